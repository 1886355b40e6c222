import t from 'tap'
import { TokenCache } from '../../lib/provider/token-cache'

t.test('what is kept is given until its time', async (t) => {
  const cache = new TokenCache<string>(10)
  cache.set('a', 'A', 100)
  t.equal(cache.get('a', 99), 'A')
  t.equal(cache.get('a', 100), undefined)
  t.equal(cache.get('b', 0), undefined)
  for (const name of ['__proto__', 'constructor', 'toString']) t.equal(cache.get(name, 0), undefined)
})

t.test('there are never more than its size, and the oldest leaves first', async (t) => {
  const cache = new TokenCache<number>(3)
  for (let i = 0; i < 10_000; i++) {
    cache.set(String(i), i, Infinity)
    for (const kept of [i, i - 1, i - 2].filter((kept) => kept >= 0)) if (cache.get(String(kept), 0) !== kept) t.fail(`${kept} of ${i} is kept`)
    if (cache.get(String(i - 3), 0) !== undefined) t.fail(`${i - 3} of ${i} is gone`)
  }
  cache.set('9997', 1, Infinity)
  cache.set('new', 2, Infinity)
  t.strictSame(['9997', '9998', '9999', 'new'].map((name) => cache.get(name, 0)), [1, undefined, 9999, 2], 'set again, it is the newest')
})

t.test('with the size 0 nothing is kept', async (t) => {
  const cache = new TokenCache<number>(0)
  cache.set('a', 1, Infinity)
  t.equal(cache.get('a', 0), undefined)
})
