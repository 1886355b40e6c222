import t from 'tap'
import { titleCase } from '../../lib/header/challenge'

t.test('title case', async (t) => {
  t.equal(titleCase('x-CUSTOM'), 'X-Custom')
})
