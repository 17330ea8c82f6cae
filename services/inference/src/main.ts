import { fstatSync } from 'node:fs'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { openService } from './service.ts'

const log = pino({ base: null, formatters: { level: (label) => ({ level: label }) } }, pino.destination({ sync: true }))

try {
  const config = readConfig(process.env)
  log.level = config.log
  const service = await openService(config, log, (error) => {
    log.fatal({ error: error.message }, 'the model thread died')
    process.exit(1)
  })
  let closing: Promise<void> | undefined
  const close = (because: string): void => {
    closing ??= service.close().then(() => {
      log.info({ because }, 'closed')
      process.exit(0)
    })
  }
  process.on('SIGTERM', () => close('SIGTERM'))
  process.on('SIGINT', () => close('SIGINT'))
  // Started by another program, through a pipe: when that program is gone, so is the reason to run.
  if (isPipe()) process.stdin.resume().on('close', () => close('stdin closed'))
} catch (error) {
  log.fatal({ problem: error instanceof Error ? error.message : String(error) }, 'cannot start')
  process.exit(1)
}

function isPipe(): boolean {
  try {
    const stat = fstatSync(0)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}
