/** The helpers of the tests of examples: many requests at once, and a real redis-server. */

import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import t, { type Test } from 'tap'

/** Begins as many as `count` at once. */
export const atOnce = async <T>(count: number, begin: (index: number) => Promise<T>): Promise<T[]> =>
  await Promise.all(Array.from({ length: count }, async (_, index) => await begin(index)))

/** Returns how often each value is there. */
export function tally (values: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

const isInstalled = spawnSync('redis-server', ['--version']).status === 0

type Program = ChildProcessByStdio<Writable, Readable, null>

// It prints the id of the program, and kills the program when the input ends: at the latest with the test.
const SCRIPT = '"$@" & echo "$!"; read -r _; kill -9 "$!"; wait'

/** Starts a program that does not outlive the test, however that ends. To kill the program, end its input. */
export function runWithTest (command: readonly string[], env = process.env): Program {
  return spawn('sh', ['-c', SCRIPT, 'sh', ...command], { env, stdio: ['pipe', 'pipe', 'ignore'] })
}

/** A redis-server on a socket in a folder of its own, that keeps nothing on disk. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'))
  /** The URL for clients, too. */
  readonly socket = join(this.#folder, 'redis.sock')
  #shell: Program | null = null
  #id = 0

  /** Resolves when it accepts connections. */
  async start (): Promise<void> {
    const options = ['--port', '0', '--unixsocket', this.socket, '--dir', this.#folder, '--save', '']
    const shell = runWithTest(['redis-server', ...options])
    this.#shell = shell
    let log = ''
    shell.stdout.on('data', (chunk) => { log += String(chunk) })
    const signal = AbortSignal.timeout(20_000)
    while (!/ready to accept connections/i.test(log)) await once(shell.stdout, 'data', { signal })
    this.#id = Number(/^\d+$/m.exec(log)?.[0])
  }

  /** Ends it in the middle of its work. All that it had is lost. */
  async kill (): Promise<void> {
    if (this.#shell === null) return
    const over = once(this.#shell, 'close')
    this.#shell.stdin.end()
    await over
    this.#shell = null
  }

  /** Connections stay, and nothing is answered, until `goOn`. */
  hang (): void { process.kill(this.#id, 'SIGSTOP') }

  goOn (): void { process.kill(this.#id, 'SIGCONT') }

  async end (): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Runs a test with a server. Where no redis-server is found it is skipped, but in CI it fails. */
export async function withRedis (name: string, body: (t: Test, redis: RedisServer) => Promise<void>): Promise<void> {
  const { CI = '' } = process.env
  const inCI = CI !== '' && CI !== 'false'
  if (!isInstalled && !inCI) {
    await t.test(name, { skip: 'no redis-server was found: install one, to try several processes' }, () => {})
    return
  }
  await t.test(name, async (t) => {
    if (!isInstalled) throw new Error('no redis-server was found: in CI the tests with several processes must run')
    const redis = new RedisServer()
    t.teardown(async () => { await redis.end() })
    await redis.start()
    await body(t, redis)
  })
}
