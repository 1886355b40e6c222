/** The public names, for `import`. */

export * from './index.js'
export { authSchemes as default } from './index.js'
