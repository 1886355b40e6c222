/** A client of websockets, as these tests need it. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import WebSocket from 'ws'

/** A response other than the upgrade. */
export interface Refused { readonly status: number, readonly challenge: string | undefined, readonly body: any }

/** An open socket. */
export interface Connection {
  readonly send: (message: object) => void
  /** Resolves to the messages so far, once there are that many. */
  readonly received: (count: number) => Promise<any[]>
  /** Resolves to the code with which the server closes the socket. */
  readonly closed: Promise<number>
}

/** Lets the application listen for the time of a test. */
export async function listen (t: Test, app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  return (app.server.address() as AddressInfo).port
}

/** Opens a websocket for the time of a test. */
export async function openSocket (
  t: Test, port: number, path: string, headers: Record<string, string> = {}, protocols: string[] = []
): Promise<Connection | Refused> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers })
  t.teardown(() => { socket.terminate() })
  const messages: any[] = []
  let arrived = (): void => {}
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)))
    arrived()
  })
  const closed = new Promise<number>((resolve) => { socket.once('close', resolve) })
  const refused = new Promise<Refused>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('unexpected-response', (request, response: IncomingMessage) => {
      readAll(response).then((body) => {
        request.destroy()
        resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], body })
      }, reject)
    })
  })
  const opened = once(socket, 'open').then((): Connection => ({
    send: (message) => { socket.send(JSON.stringify(message)) },
    received: async (count) => {
      while (messages.length < count) await new Promise<void>((resolve) => { arrived = resolve })
      return messages
    },
    closed
  }))
  return await Promise.race([opened, refused])
}

async function readAll (response: IncomingMessage): Promise<any> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}
