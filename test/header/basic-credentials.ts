import t from 'tap'
import { MALFORMED } from '../../lib/header/authorization'
import { readBasicCredentials } from '../../lib/header/basic-credentials'
import { basicCredentials } from '../vectors/basic'

for (const [rule, value, outcome] of basicCredentials) {
  t.test(rule, async (t) => {
    t.strictSame(readBasicCredentials(value), outcome === 'malformed' ? MALFORMED : { username: outcome[0], password: outcome[1] })
  })
}
