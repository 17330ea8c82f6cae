import { createServer } from 'node:net'

/** Says in a sentence that a port is taken, before anything is started that would say it in its own way. */
export async function refuseTakenPort(host: string, port: number): Promise<void> {
  if (port === 0) return
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(said(port, error), { cause: error })))
    server.listen(port, host, () => server.close(() => resolve()))
  })
}

function said(port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return `Port ${port} is taken, perhaps by another \`npm start\`. Use --port for another one (0 = any free one).`
  if (code === 'EACCES') return `Port ${port} is kept for the system's own services. Use --port with one above 1023.`
  return `Port ${port} cannot be used: ${message}`
}
