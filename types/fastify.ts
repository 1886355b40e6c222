/** What the plugin adds to Fastify's own types. It reaches users because the package's entry imports it for its effect. */

// Names that others may declare in Fastify's module, as @fastify/websocket does `RouteOptions`, are imported under another: the import would
// pass for unused, and be missing in what is published.
import type {
  ContextConfigDefault as Config, FastifyBaseLogger, FastifyInstance as Instance, FastifyRequest as Request, FastifySchema as BaseSchema, FastifyTypeProvider,
  FastifyTypeProviderDefault, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault, RouteGenericInterface as Generics,
  RouteHandlerMethod as Handler, RouteOptions as FullOptions, RouteShorthandOptions as Options, RouteShorthandOptionsWithHandler as OptionsWithHandler
} from 'fastify'
import type { FastifyRequestType, ResolveFastifyRequestType } from 'fastify/types/type-provider.js'
/** @ts-ignore It is optional. Imported here, its types are loaded before these, which then go first. */
import type { WebSocket as Client } from '@fastify/websocket'
import type { kAuth, AuthOf, MaybeSecuredBy, SecuredBy } from './auth'
import type { AuthSchemes } from './options'
import type { InferredSecurity, Security } from './requirement'
import type { TokenForm } from './token-form'

/** The options whose functions run only where `security` was fulfilled, whatever the plugin option `hook` says. */
type SureKey = 'preHandler' | 'handler' | 'wsHandler'

/** A route's options beside a `security` that is inferred as `L`: `Sure` in its handlers, `Maybe` in hooks that others reach, too. */
type Guarded<L, Sure, Maybe> =
  Pick<Sure, Extract<keyof Sure, SureKey>> & Omit<Maybe, SureKey | 'security' | 'websocket'> & { security: InferredSecurity<L> }

interface Plain { websocket?: false }
/** For @fastify/websocket, where it is installed. */
interface Websocket { websocket: 'websocket' extends keyof Options ? true : never }
type SocketHandler<R> = (this: Instance, socket: Client, request: R) => void | Promise<any>

declare module 'fastify' {
  interface RequestGenericInterface {
    /** @internal */
    readonly [kAuth]?: unknown
  }

  interface RouteShorthandMethod<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger
  > {
    <G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema, L = unknown>(
      path: string,
      opts: Plain & Guarded<L, Options<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>, Options<RawServer, RawRequest, RawReply, G & MaybeSecuredBy<L>, C, S, TypeProvider, Logger>>,
      handler: Handler<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    <G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema, L = unknown>(
      path: string,
      opts: Websocket & Guarded<L, Options<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>, Options<RawServer, RawRequest, RawReply, G & MaybeSecuredBy<L>, C, S, TypeProvider, Logger>>,
      handler: SocketHandler<Request<G & SecuredBy<L>, RawServer, RawRequest, S, TypeProvider, C, Logger>>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    <G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema, L = unknown>(
      path: string,
      opts: Plain & Guarded<L, OptionsWithHandler<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>, Options<RawServer, RawRequest, RawReply, G & MaybeSecuredBy<L>, C, S, TypeProvider, Logger>>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    /** Fastify's own last signature: `Parameters` sees the last. */
    <G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema>(
      path: string,
      opts: OptionsWithHandler<RawServer, RawRequest, RawReply, G, C, S, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }

  interface RouteShorthandOptions<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    RouteGeneric extends Generics = Generics,
    ContextConfig = Config,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger
  > {
    /**
     * What the route requires: alternatives, any one of which must hold. `[]` is public. It is enforced, documented, and types `request.auth`.
     */
    security?: Security
  }

  interface FastifyRequest<
    RouteGeneric extends Generics = Generics,
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    ContextConfig = Config,
    Logger extends FastifyBaseLogger = FastifyBaseLogger,
    RequestType extends FastifyRequestType = ResolveFastifyRequestType<TypeProvider, SchemaCompiler, RouteGeneric>
  > {
    /** What the accepted scheme extracted and verified; `null` where nobody is authenticated. */
    auth: AuthOf<RouteGeneric>
  }

  interface FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider> {
    route<G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema, L = unknown>(
      opts: Plain & Guarded<L, FullOptions<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>, FullOptions<RawServer, RawRequest, RawReply, G & MaybeSecuredBy<L>, C, S, TypeProvider, Logger>>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    route<G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema, L = unknown>(
      opts: Websocket & { handler: SocketHandler<Request<G & SecuredBy<L>, RawServer, RawRequest, S, TypeProvider, C, Logger>> }
        & Guarded<L, Omit<FullOptions<RawServer, RawRequest, RawReply, G & SecuredBy<L>, C, S, TypeProvider, Logger>, 'handler'>, FullOptions<RawServer, RawRequest, RawReply, G & MaybeSecuredBy<L>, C, S, TypeProvider, Logger>>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    /** Fastify's own signature: `Parameters` sees the last. */
    route<G extends Generics = Generics, C = Config, const S extends BaseSchema = BaseSchema>(
      opts: FullOptions<RawServer, RawRequest, RawReply, G, C, S, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>

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
