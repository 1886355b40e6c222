import t from 'tap'
import Module from 'node:module'
import { requireJose } from '../../lib/jwt/jose'

t.test('without jose the boot fails, and the message has the cure', async (t) => {
  t.doesNotThrow(() => { requireJose('jwtVerifier') })
  const resolve = (Module as any)._resolveFilename
  t.intercept(Module as any, '_resolveFilename', {
    value (name: string, ...rest: unknown[]) {
      if (name === 'jose') throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
      return resolve.call(this, name, ...rest)
    }
  })
  t.throws(() => { requireJose('jwtVerifier') }, { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: 'jwtVerifier: jose is not installed: npm install jose' })
})
