/** The bodies and the query of the item store. */

import { Type } from '@sinclair/typebox'

export const Item = Type.Object({ name: Type.String({ minLength: 1 }), owner: Type.String() })
export const NewItem = Type.Object({ name: Type.String({ minLength: 1 }) })
export const Items = Type.Array(Item)
export const Profile = Type.Object({ username: Type.String(), fullName: Type.String() })
export const Greeting = Type.Object({ hello: Type.String() })
export const Report = Type.Object({ requestedBy: Type.String(), items: Type.Integer() })
export const Feed = Type.Object({
  version: Type.Literal('https://jsonfeed.org/version/1.1'),
  title: Type.String(),
  items: Type.Array(Type.Object({ id: Type.String(), content_text: Type.String() }))
})
export const Deployment = Type.Object({ deployedBy: Type.String() })
export const Authorization = Type.Object({
  response_type: Type.Literal('code'),
  client_id: Type.String(),
  redirect_uri: Type.String(),
  code_challenge: Type.String(),
  code_challenge_method: Type.Literal('S256'),
  scope: Type.Optional(Type.String()),
  state: Type.Optional(Type.String())
})
export const Health = Type.Object({ status: Type.Literal('ok') })
export const Refused = Type.Object({ error: Type.String() })
