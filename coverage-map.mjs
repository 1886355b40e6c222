// Tests of the whole, which cover nothing.
const FOLDERS = ['vectors', 'example', 'types', 'app', 'browser', 'hostile', 'docs', 'tls']
const FILES = ['matrix.ts', 'wire.ts', 'consumers.ts', 'imports.ts', 'release.ts', 'hosts.ts']

// Each file in lib is covered by the test of the same name, and by no other. A long test has parts, such as
// routes.early.ts for routes.ts.
export default (test) => {
  const name = test.replace(/^test\//, '').replace(/\.[a-z]+\.ts$/, '.ts')
  return FOLDERS.some((folder) => name.startsWith(`${folder}/`)) || FILES.includes(name)
    ? null
    : [`lib/${name}`]
}
