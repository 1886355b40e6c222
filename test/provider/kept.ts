import t from 'tap'
import { fixed, Kept } from '../../lib/provider/kept'
import { recordingLog, stoppedClock } from './helpers'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** A kept value of a source that counts, fails where `isDown`, and waits where it is held. */
function counting (staleFor = HOUR) {
  const state = { isDown: false, fetches: 0, hold: Promise.resolve(), seen: [] as unknown[] }
  const clock = stoppedClock()
  const { lines, context: { request: { log } } } = recordingLog()
  const kept = new Kept(async (given) => {
    state.fetches++
    state.seen.push(given)
    await state.hold
    if (state.isDown) throw new Error('https://login.example.com is down')
    return { number: state.fetches }
  }, clock, staleFor)
  return { state, clock, kept, log, lines }
}

const settle = async (): Promise<void> => { await new Promise((resolve) => { setTimeout(resolve, 5) }) }
const DOWN = { code: 'FST_AUTH_PROVIDER_UNAVAILABLE', statusCode: 503, headers: { 'retry-after': '5' }, cause: { message: 'https://login.example.com is down' } }

t.test('a value is fetched at the first need, by one fetch for all who wait, and anew after ten minutes', async (t) => {
  const { state, clock, kept, log } = counting()
  t.equal(kept.peek(), undefined)
  t.strictSame((await Promise.all([kept.get(log), kept.get(), kept.get()])).map(({ number }) => number), [1, 1, 1])
  t.strictSame(state.seen, [log])
  clock.move(10 * MINUTE - 1)
  t.strictSame(kept.peek(), { number: 1 })
  clock.move(1)
  t.equal(kept.peek(), undefined)
  t.strictSame(await kept.get(), { number: 2 })
  t.equal(kept.peek(), await kept.get())
  t.equal(state.fetches, 2)
})

t.test('where the clock was set back, the value is fetched anew', async (t) => {
  const { state, clock, kept } = counting()
  await kept.get()
  clock.move(-HOUR)
  t.equal(kept.peek(), undefined)
  await kept.get()
  t.equal(state.fetches, 2)
})

t.test('without a value an outage is told at once, and the next fetch waits five seconds', async (t) => {
  const { state, clock, kept, log, lines } = counting()
  state.isDown = true
  await Promise.all([t.rejects(kept.get(log), DOWN), t.rejects(kept.get(), DOWN)])
  t.strictSame(lines.map(({ level, message, err }) => [level, message, err.message]), [['warn', 'The provider of the tokens could not be asked', 'https://login.example.com is down']])
  state.isDown = false
  clock.move(5 * SECOND - 1)
  await t.rejects(kept.get(), DOWN)
  await t.rejects(kept.renew(), DOWN)
  t.equal(state.fetches, 1)
  clock.move(1)
  t.strictSame(await kept.get(), { number: 2 })
})

t.test('a failed fetch never touches the value, which is used until it is too old', async (t) => {
  const { state, clock, kept } = counting()
  const first = await kept.get()
  state.isDown = true
  clock.move(10 * MINUTE)
  t.equal(kept.peek(), undefined, 'the first request of the outage waits')
  t.equal(await kept.get(), first)
  t.equal(kept.peek(), first)
  t.equal(state.fetches, 2)
  clock.move(4 * SECOND)
  for (let i = 0; i < 200; i++) t.equal(kept.peek(), first)
  t.equal(state.fetches, 2)

  state.hold = new Promise(() => {})
  clock.move(SECOND)
  for (let i = 0; i < 200; i++) t.equal(kept.peek(), first, 'later fetches are waited for by nobody')
  t.equal(await kept.get(), first)
  t.equal(state.fetches, 3)
})

t.test('an hour after the last success it is too old, and comes back when the provider does', async (t) => {
  const { state, clock, kept } = counting()
  await kept.get()
  state.isDown = true
  clock.move(HOUR - 1)
  t.strictSame(await kept.get(), { number: 1 })
  clock.move(1)
  t.equal(kept.peek(), undefined)
  await t.rejects(kept.get(), DOWN)
  t.equal(state.fetches, 2)
  clock.move(5 * SECOND)
  await t.rejects(kept.get(), DOWN)
  t.equal(state.fetches, 3)
  state.isDown = false
  clock.move(5 * SECOND)
  t.strictSame(await kept.get(), { number: 4 })
})

t.test('in the background it recovers, too', async (t) => {
  const { state, clock, kept } = counting()
  await kept.get()
  state.isDown = true
  clock.move(20 * MINUTE)
  await kept.get()
  clock.move(5 * SECOND)
  t.strictSame(kept.peek(), { number: 1 })
  await settle()
  state.isDown = false
  clock.move(5 * SECOND)
  t.strictSame(kept.peek(), { number: 1 })
  await settle()
  t.strictSame(kept.peek(), { number: 4 })
})

t.test('a shorter staleFor also shortens how long it is used unasked', async (t) => {
  const { state, clock, kept } = counting(MINUTE)
  await kept.get()
  clock.move(MINUTE - 1)
  t.strictSame(kept.peek(), { number: 1 })
  clock.move(1)
  state.isDown = true
  await t.rejects(kept.get(), DOWN)
  const none = counting(0)
  t.strictSame([await none.kept.get(), await none.kept.get()], [{ number: 1 }, { number: 2 }])
})

t.test('for an unknown key it is fetched anew, but not within thirty seconds, and not while the provider is down', async (t) => {
  const { state, clock, kept } = counting()
  const first = await kept.get()
  clock.move(30 * SECOND - 1)
  t.equal(await kept.renew(), first)
  clock.move(1)
  t.strictSame((await Promise.all(Array.from({ length: 500 }, async () => await kept.renew()))).every(({ number }) => number === 2), true)
  t.equal(state.fetches, 2)
  clock.move(30 * SECOND)
  state.isDown = true
  await t.rejects(kept.renew(), DOWN)
  for (let i = 0; i < 200; i++) await t.rejects(kept.renew(), DOWN)
  t.equal(state.fetches, 3)
  t.strictSame(kept.peek(), { number: 2 }, 'what is known goes on')
})

t.test('what is fixed is made once', async (t) => {
  let made = 0
  const source = fixed(async () => ({ number: ++made }))
  t.equal(source.peek(), undefined)
  const [a, b] = await Promise.all([source.get(), source.get()])
  t.equal(a, b)
  t.equal(source.peek(), a)
  t.equal(await source.renew(), a)
  t.equal(made, 1)
})
