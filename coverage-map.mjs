// Each file in lib is covered by the test of the same name, and by no other.
export default (test) => {
  const name = test.replace(/^test\//, '')
  return ['vectors', 'example', 'types', 'app', 'browser', 'hostile', 'docs'].some((folder) => name.startsWith(`${folder}/`)) || ['matrix.ts', 'wire.ts', 'consumers.ts', 'imports.ts', 'release.ts'].includes(name)
    ? null
    : [`lib/${name}`]
}
