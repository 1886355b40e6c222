/** The text after `Basic`, and the credentials in it. Rules: RFC 7617 section 2, RFC 4648 sections 3.5 and 4. */

const base64 = (...bytes: number[]): string => Buffer.from(bytes).toString('base64')
const text = (value: string): string => Buffer.from(value).toString('base64')

export const basicCredentials: ReadonlyArray<readonly [rule: string, value: string, outcome: 'malformed' | readonly [username: string, password: string]]> = [
  ['no value is malformed', '', 'malformed'],
  ['a colon that is not encoded is malformed', 'user:pass', 'malformed'],
  ['no colon is malformed', text('user'), 'malformed'],
  ['missing padding is malformed', text('a:bc').replace('=', ''), 'malformed'],
  ['too much padding is malformed', `${text('a:b')}=`, 'malformed'],
  ['padding in the middle is malformed', `${text('a:b')}==${text('c')}`, 'malformed'],
  ['bits that are not zero in the last character are malformed', 'YTpiYx==', 'malformed'],
  ['the url-safe alphabet is malformed', text('\u00ff\u00ff:\u00fe').replaceAll('+', '-').replaceAll('/', '_'), 'malformed'],
  ['a space in the middle is malformed', 'YT pi', 'malformed'],
  ['a newline in the middle is malformed', 'YT\npi', 'malformed'],
  ['a comma is malformed', `${text('a:b')},`, 'malformed'],
  ['invalid UTF-8 is malformed', base64(0x61, 0x3a, 0xff), 'malformed'],
  ['overlong UTF-8 is malformed', base64(0x61, 0x3a, 0xc0, 0xaf), 'malformed'],
  ['an encoded surrogate is malformed', base64(0x61, 0x3a, 0xed, 0xa0, 0x80), 'malformed'],
  ['a NUL is malformed', text('a\0:b'), 'malformed'],
  ['a newline is malformed', text('a:b\n'), 'malformed'],
  ['DEL is malformed', text('a:b\x7f'), 'malformed'],
  ['user name and password are split', text('user:pass'), ['user', 'pass']],
  ['the first colon splits', text('user:pa:ss:'), ['user', 'pa:ss:']],
  ['an empty user name is accepted', text(':pass'), ['', 'pass']],
  ['an empty password is accepted', text('user:'), ['user', '']],
  ['a colon alone is two empty strings', text(':'), ['', '']],
  ['UTF-8 is decoded', text('Jürgen:пароль€😀'), ['Jürgen', 'пароль€😀']],
  ['a byte order mark is kept', text('\ufeffuser:pass'), ['\ufeffuser', 'pass']],
  ['spaces are kept', text(' user : pass '), [' user ', ' pass ']],
  ['quotes are kept', text('"user":pass\\'), ['"user"', 'pass\\']]
]
