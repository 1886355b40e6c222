import t from 'tap'
import * as introspection from '../../lib/introspection'
import { json, recordingLog, startProvider } from '../provider/helpers'

t.test('the public name, on the clock of the machine', async (t) => {
  t.strictSame(Object.keys(introspection), ['introspectionVerifier'])
  const provider = await startProvider(t)
  provider.routes.set('/introspect', (_request, response) => { json(response, 200, { active: true, aud: 'a', exp: Math.floor(Date.now() / 1000) + 60 }) })
  const verify = introspection.introspectionVerifier({ endpoint: `${provider.issuer}/introspect`, client: { token: 'x' }, audience: 'a' })
  const user: any = await verify('x', recordingLog().context)
  t.strictSame([user.scopes, user.aud], [[], 'a'])
})
