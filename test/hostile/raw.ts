/** Requests as bytes on a socket, where no client tidies them up. */

import { connect, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Listens on a port that is free, and gives it. */
export async function listen (app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

export interface RawAnswer {
  /** `NaN` where there was none. */
  readonly status: number
  readonly head: string
  readonly body: string
  /** All that came, with interim and further answers. */
  readonly all: string
}

/** Writes bytes and gives what comes back until the connection is closed, by the server or after `idle` ms without a byte. */
export async function exchange (port: number, bytes: string | readonly string[], { idle = 20_000, onSocket = () => {} }: { idle?: number, onSocket?: (socket: Socket) => void } = {}): Promise<RawAnswer> {
  return await new Promise((resolve) => {
    let all = ''
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of [bytes].flat()) socket.write(part, 'latin1')
      onSocket(socket)
    })
    socket.setTimeout(idle, () => { socket.destroy() })
    socket.on('data', (chunk) => { all += chunk.toString('latin1') })
    // Node.js may reset the connection of what it cannot parse, before it was all sent.
    socket.on('error', () => {})
    socket.on('close', () => { resolve({ ...parse(all), all }) })
  })
}

/** A request line and header lines, to be closed by the server after its answer. */
export const request = (...lines: string[]): string => [...lines, ...lines.some((line) => /^host:/i.test(line)) ? [] : ['Host: x'], 'Connection: close', '', ''].join('\r\n')

function parse (answer: string): { status: number, head: string, body: string } {
  const end = answer.indexOf('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? NaN), head: answer.slice(0, end), body: end === -1 ? '' : answer.slice(end + 4) }
}
