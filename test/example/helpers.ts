/** A real redis-server, as the machine has it, that keeps nothing on disk. */

import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import t, { type Test } from 'tap'

const isInstalled = spawnSync('redis-server', ['--version']).status === 0

// It prints the server's id, and kills the server when the test closes the input, or ends in whatever way.
const SCRIPT = 'redis-server "$@" & echo "$!"; read -r _; kill -9 "$!"'

/** One server on a socket in a folder of its own. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'))
  /** The URL for clients, too. */
  readonly socket = join(this.#folder, 'redis.sock')
  #shell: ChildProcessByStdio<Writable, Readable, null> | null = null
  #id = 0

  /** Resolves when it accepts connections. */
  async start (): Promise<void> {
    const options = ['--port', '0', '--unixsocket', this.socket, '--dir', this.#folder, '--save', '', '--appendonly', 'no']
    const shell = spawn('sh', ['-c', SCRIPT, 'sh', ...options], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#shell = shell
    let log = ''
    shell.stdout.on('data', (chunk) => { log += String(chunk) })
    while (!/ready to accept connections/i.test(log)) await once(shell.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
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
  const inCI = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false'
  if (!isInstalled && !inCI) {
    t.plan(0, 'no redis-server was found, so nothing was tried with several processes. Install one.')
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
