import t from 'tap'
import { Reports } from '../../lib/provider/reports'
import { recordingLog, stoppedClock } from './helpers'

t.test('each refusal at debug; at warn what a setting can cause, once for each issuer and reason in a minute', async (t) => {
  const clock = stoppedClock()
  const reports = new Reports(clock)
  const { lines, warnings, context: { request: { log } } } = recordingLog()
  reports.refused(log, 'i', { reason: 'it is a' })
  t.strictSame(lines, [{ level: 'debug', message: 'A token is refused', reason: 'it is a', issuer: 'i' }])
  for (let n = 0; n < 3; n++) reports.refused(log, 'i', { reason: `it is ${n}`, cure: 'do b' })
  reports.refused(log, 'j', { reason: 'it is 0', cure: 'do b' })
  reports.refused(log, 'i', { reason: 'it is 0', cure: 'do c' })
  const all = ['it is 0: do b', 'it is 0: do b', 'it is 0: do c'].map((end) => `A token of the trusted issuer is refused, as ${end}`)
  t.strictSame(warnings(), all)
  clock.move(59_999)
  reports.refused(log, 'i', { reason: 'it is 4', cure: 'do b' })
  t.strictSame(warnings(), all)
  clock.move(1)
  reports.refused(log, 'i', { reason: 'it is 5', cure: 'do b' })
  t.equal(warnings().at(-1), 'A token of the trusted issuer is refused, as it is 5: do b')
  t.equal(lines.filter(({ level }) => level === 'debug').length, 8)
})
