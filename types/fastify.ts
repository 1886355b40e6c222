/** What the plugin adds to Fastify's own types. It reaches users because the package's entry imports it for its effect. */

import type {
  ContextConfigDefault, FastifyBaseLogger, FastifySchema as BaseSchema, FastifyTypeProvider, FastifyTypeProviderDefault,
  RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault, RouteGenericInterface
} from 'fastify'
import type { FastifyRequestType, ResolveFastifyRequestType } from 'fastify/types/type-provider.js'
import type { AuthOf } from './auth'
import type { AuthSchemes } from './options'
import type { Security } from './requirement'
import type { TokenForm } from './token-form'

declare module 'fastify' {
  interface RouteShorthandOptions<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
    ContextConfig = ContextConfigDefault,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger
  > {
    /**
     * What the route requires: alternatives, any one of which must hold. `[]` is public. It is enforced, documented, and types `request.auth`.
     */
    security?: Security<ContextConfig>
  }

  interface FastifyRequest<
    RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    ContextConfig = ContextConfigDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger,
    RequestType extends FastifyRequestType = ResolveFastifyRequestType<TypeProvider, SchemaCompiler, RouteGeneric>
  > {
    /** What the accepted scheme extracted and verified; `null` where nobody is authenticated. */
    auth: AuthOf<ContextConfig>
  }

  interface FastifyInstance {
    /** The factories of security schemes. */
    readonly authSchemes: AuthSchemes
    /**
     * Registers a token endpoint at `POST path`, on this instance, its prefix included. It takes a login as a form, validated, and answers every
     * error in the form of RFC 6749 section 5.2. It is always public.
     *
     * @throws {TypeError} for a bad argument or option, naming it
     */
    readonly tokenForm: TokenForm
    /**
     * Adds a requirement to every route of this encapsulation context and its children, those that were declared before included. Alternatives are
     * combined with the route's own by AND; `secure([])` makes a context public whatever stands outside.
     *
     * @throws `FST_AUTH_BAD_SECURITY` for anything but a list of alternatives, and once the application is ready
     * @throws `FST_AUTH_UNGUARDED_ROUTE` where routes of the context were declared before the plugin was loaded
     */
    readonly secure: (security: Security) => void
    /** `app.authSchemes.routes()` as a table. */
    readonly printSecurity: () => string
  }
}
