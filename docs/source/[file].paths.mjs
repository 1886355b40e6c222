/** The files that pages link to and that are no pages: some as they are, and a folder as a list of its files. */

import { readFileSync, readdirSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const read = (file) => readFileSync(new URL(file, root), 'utf8')
const list = (folder) => readdirSync(new URL(folder, root)).filter((name) => name.endsWith('.ts'))

const FILES = ['LICENSE', ...list('example').map((name) => `example/${name}`)]
const FOLDERS = ['example', 'test/hostile']

/** The comment with which a file of code opens. */
const openingOf = (file) => /^\/\*\*([^]+?)\*\//.exec(read(file))[1].replace(/\s+(?:\* )?/g, ' ')

const files = FILES.map((file) => ({
  params: { file },
  content: `# ${file}\n\n\`\`\`\`${file.endsWith('.ts') ? 'ts' : 'text'}\n${read(file)}\`\`\`\`\n`
}))

const folders = FOLDERS.map((folder) => ({
  params: { file: folder },
  content: `# ${folder}\n\n${list(folder).map((name) => `- \`${name}\`: ${openingOf(`${folder}/${name}`)}\n`).join('')}`
}))

export default { paths: [...files, ...folders] }
