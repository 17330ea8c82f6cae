import { readFileSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Who uses a data folder. `began` tells a process from a later one that was given its number. */
type Holder = { pid: number; began?: string; url?: string; workerd?: number }

const BEING_WRITTEN_MS = 100

/** A data folder belongs to one house: two in it would each keep half of the sessions. */
export interface FolderLock {
  /** writes down where the house answers and which process keeps its storage open */
  tell(house: { url: string; workerd: number | undefined }): Promise<void>
  release(): Promise<void>
}

/** Takes the folder, also from a process that is gone; refuses where one lives. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = join(folder, 'in-use.json')
  const own: Holder = { pid: process.pid, ...beginning(process.pid) }
  for (let tries = 0; ; tries++) {
    if (await claimed(file, own)) break
    const holder = (await holderIn(file)) ?? (await sleep(BEING_WRITTEN_MS).then(() => holderIn(file)))
    if (holder && isAlive(holder)) throw new Error(inUse(folder, holder))
    if (tries === 3) throw new Error(`${file} cannot be taken: another process takes it again and again. Remove it where no Fovea runs here.`)
    await endOrphan(holder)
    await rm(file, { force: true })
  }
  return {
    tell: async ({ url, workerd }) => {
      // Whoever reads it in this moment finds the whole of it.
      await writeFile(`${file}.new`, line({ ...own, url, ...(workerd !== undefined && { workerd }) }))
      await rename(`${file}.new`, file)
    },
    release: () => rm(file, { force: true }),
  }
}

function inUse(folder: string, { pid, url }: Holder): string {
  return `${folder} is in use by pid ${pid}${url ? `, which answers at ${url}` : ''}. Stop that one, or use --data for another folder.`
}

async function claimed(file: string, own: Holder): Promise<boolean> {
  return writeFile(file, line(own), { flag: 'wx' }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw new Error(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    },
  )
}

/** A killed house leaves its workerd running, with the storage of the folder open. */
async function endOrphan(holder: Holder | undefined): Promise<void> {
  if (holder?.workerd === undefined || !/workerd/.test(commandOf(holder.workerd))) return
  process.kill(holder.workerd, 'SIGKILL')
  // Its port and its files are free when it is gone.
  while (commandOf(holder.workerd) !== '') await sleep(10)
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Not allowed to: it lives, and is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  const now = beginning(pid).began
  return began === undefined || now === undefined || now === began
}

/** When a process began, in ticks since the machine did; only Linux tells. */
function beginning(pid: number): { began?: string } {
  const began = readProc(pid, 'stat').split(') ').at(-1)?.split(' ')[19]
  return began ? { began } : {}
}

function commandOf(pid: number): string {
  return readProc(pid, 'cmdline')
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

async function holderIn(file: string): Promise<Holder | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    const value: unknown = JSON.parse(text)
    return isHolder(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number'
}

const line = (holder: Holder): string => `${JSON.stringify(holder)}\n`
