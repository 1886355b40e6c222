import t from 'tap'
import { execFileSync } from 'node:child_process'
import { MALFORMED } from '../../lib/header/authorization'
import { readByteSequence, readEscapedPem } from '../../lib/header/client-certificate'
import { escapedPem, byteSequence, makeIdentity } from '../tls/helpers'

const { certificate, pem } = makeIdentity('alice')
const other = makeIdentity('bob')
const base64 = certificate.raw.toString('base64')
const unpadded = base64.replace(/=+$/, '')
const lines = (text: string): string => encodeURIComponent(text)

type Row = readonly [rule: string, value: string]

const SEQUENCES: readonly Row[] = [
  ['nothing', ''],
  ['no colons', base64],
  ['one colon', `:${base64}`],
  ['an empty sequence', '::'],
  ['a space within', `: ${base64}:`],
  ['a parameter', `:${base64}:;a=1`],
  ['two certificates', `:${base64}:, :${other.certificate.raw.toString('base64')}:`],
  ['two certificates in one sequence', `:${Buffer.concat([certificate.raw, other.certificate.raw]).toString('base64')}:`],
  ['a byte behind the certificate', `:${Buffer.concat([certificate.raw, Buffer.from([0])]).toString('base64')}:`],
  ['a byte less', `:${certificate.raw.subarray(0, -1).toString('base64')}:`],
  ['PEM in the sequence, which the constructor of the certificate takes', `:${Buffer.from(pem).toString('base64')}:`],
  ['PEM without base64', pem],
  ['a key', `:${Buffer.from(other.key).toString('base64')}:`],
  ['a text', `:${Buffer.from('hello').toString('base64')}:`],
  ['the url-safe alphabet', `:${base64.replace(/[+/]/, '_')}:`],
  ['more padding', `:${unpadded}====:`],
  ['a line break within', `:${base64.slice(0, 64)}\n${base64.slice(64)}:`],
  ['percent-encoding', encodeURIComponent(`:${base64}:`)]
]

for (const [rule, value] of SEQUENCES) {
  t.test(`byte sequence, malformed: ${rule}`, async (t) => { t.equal(readByteSequence(value), MALFORMED) })
}

t.test('byte sequence: the padding must be there, and no bit be lost behind the last byte', async (t) => {
  // Certificates of all lengths, so that each padding comes.
  for (const name of ['a', 'ab', 'abc']) {
    const { certificate } = makeIdentity(name)
    const text = certificate.raw.toString('base64')
    const read = readByteSequence(`:${text}:`)
    t.ok(read !== MALFORMED && read.fingerprint256 === certificate.fingerprint256, text.slice(-3))
    if (!text.endsWith('=')) continue
    t.equal(readByteSequence(`:${text.replace(/=+$/, '')}:`), MALFORMED)
    const bit = text.replace(/.(?==+$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))
    t.ok(Buffer.from(bit, 'base64').equals(certificate.raw), 'a decoder would not notice')
    t.equal(readByteSequence(`:${bit}:`), MALFORMED)
  }
})

const PEMS: readonly Row[] = [
  ['nothing', ''],
  ['a half escape', '%'],
  ['escapes that are no UTF-8', '%ff%fe'],
  ['base64 alone', lines(base64)],
  ['a byte sequence', lines(`:${base64}:`)],
  ['two certificates', lines(pem + other.pem)],
  ['the same certificate twice', lines(pem + pem)],
  ['text in front', lines(`subject=CN = bob\n${pem}`)],
  ['text behind', lines(`${pem}\nbob`)],
  ['a key', lines(other.key)],
  ['a certificate and a key', lines(pem + other.key)],
  ['another label', lines(pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'))],
  ['headers within', lines(pem.replace('\n', '\nX: y\n\n'))],
  ['no line break behind the label', lines(pem.replace('\n', ''))],
  ['spaces for line breaks', lines(pem.replaceAll('\n', ' '))],
  ['plus for spaces', lines(pem).replaceAll('%20', '+')],
  ['a space in the base64', lines(pem.replace(/.(?=\n-----END)/, ' '))],
  ['encoded twice', lines(lines(pem))],
  ['no certificate within', lines('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n')],
  ['a text within', lines(`-----BEGIN CERTIFICATE-----\n${Buffer.from('hello').toString('base64')}\n-----END CERTIFICATE-----\n`)],
  ['bytes behind the certificate', lines(`-----BEGIN CERTIFICATE-----\n${Buffer.concat([certificate.raw, other.certificate.raw]).toString('base64')}\n-----END CERTIFICATE-----\n`)],
  ['a control character', lines(pem) + '%00']
]

for (const [rule, value] of PEMS) {
  t.test(`percent-encoded PEM, malformed: ${rule}`, async (t) => { t.equal(readEscapedPem(value), MALFORMED) })
}

t.test('percent-encoded PEM: as nginx and AWS write it, with either line break, with the last one or without', async (t) => {
  const aws = encodeURI(pem)
  t.match(aws, /\+|\//, 'what AWS leaves as it is')
  for (const value of [escapedPem(certificate), aws, lines(pem.trimEnd()), lines(pem.replaceAll('\n', '\r\n')), pem.trimEnd().replaceAll('\n', '%0a')]) {
    const read = readEscapedPem(value)
    t.ok(read !== MALFORMED && read.fingerprint256 === certificate.fingerprint256)
  }
})

t.test('OpenSSL reads the certificates of these tests as they are', async (t) => {
  const read = execFileSync('openssl', ['x509', '-noout', '-subject', '-fingerprint', '-sha256', '-nameopt', 'RFC2253'], { input: pem, encoding: 'utf8' })
  t.match(read, `subject=CN=alice\nsha256 Fingerprint=${certificate.fingerprint256}\n`)
  t.equal(byteSequence(certificate), `:${base64}:`)
})
