import t from 'tap'
import * as jwt from '../../lib/jwt'
import { recordingLog } from '../provider/helpers'
import { AUDIENCE, createKey, startIssuer } from './helpers'

t.test('the public names, on the clock of the machine', async (t) => {
  t.strictSame(Object.keys(jwt).sort(), ['jwtIssuer', 'jwtVerifier'])
  const { context } = recordingLog()
  const key = await createKey('a')
  const issuer = await startIssuer(t, key)
  const verify = jwt.jwtVerifier({ issuer: issuer.issuer, audience: AUDIENCE })
  t.match(await verify(await issuer.token(key), context), { sub: 'alice' })
  t.notOk(await verify(await issuer.token(key, { nbf: Date.now() / 1000 + 60 }), context))
  const tokens = jwt.jwtIssuer({ secret: 'x'.repeat(32), issuer: 'item-store', expiresIn: 60 })
  const user: any = await tokens.verify(await tokens.sign({ sub: 'alice' }), context)
  t.strictSame([user.sub, user.scopes], ['alice', []])
})
