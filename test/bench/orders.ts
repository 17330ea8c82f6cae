import { createInterface } from 'node:readline'

/** The other end of a Child: lines in, an answer out, until its parent goes. */
export function takeOrders<Order>(obey: (order: Order) => unknown): void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const order: Order = JSON.parse(line)
    void Promise.resolve(obey(order)).then((answer) => answer !== undefined && say(answer))
  })
  lines.on('close', () => process.exit(0))
}

export function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
