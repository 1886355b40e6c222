/** Additions to Fastify's own types. They reach users because the package's entry imports this file for its effect. */

// Another augmentation of Fastify's module may declare a name that is imported here, as @fastify/websocket declares
// `RouteOptions`. Under its own name the import would then count as unused and be missing in the published
// declarations: `any`, silently. So names that are used within `declare module` are imported under another.
import type {
  ContextConfigDefault as BaseConfig, FastifyBaseLogger, FastifyInstance as Instance, FastifyRequest as Request,
  FastifySchema as BaseSchema, FastifyTypeProvider, FastifyTypeProviderDefault, RawReplyDefaultExpression,
  RawRequestDefaultExpression, RawServerBase, RawServerDefault, RouteGenericInterface as BaseGeneric,
  RouteHandlerMethod as Handler, RouteOptions as Route, RouteShorthandOptions as Options,
  RouteShorthandOptionsWithHandler as WithHandler
} from 'fastify'
import type { FastifyRequestType, ResolveFastifyRequestType } from 'fastify/types/type-provider.js'
/** @ts-ignore Optional. Imported here, it declares its call signatures first, so TypeScript tries those below first. */
import type { WebSocket as Client } from '@fastify/websocket'
import type { AuthOf, kAuth } from './auth'
import type { AuthSchemes } from './options'
import type { InferredSecurity, MaybeSecuredBy, SecuredBy, Security } from './requirement'
import type { TokenForm } from './token-form'

// `request.auth` is inferred by call signatures of our own, which TypeScript tries before Fastify's. They require
// `security` and infer it as a type parameter of its own, `List`, so `config`, `schema` and typed hooks keep theirs.
// The result joins the route's generics as `SecuredBy<List>`. A route whose `security` may be missing takes Fastify's
// signature, with `AnyAuth`, which `List = unknown` gives beside generics written by hand, too.
// `Parameters<FastifyInstance['route']>`, common in public code, reads the last signature: Fastify's is repeated there.

/** The options whose functions run only after `security` was fulfilled, for every value of the plugin option `hook`. */
type SecuredKey = 'preHandler' | 'handler' | 'wsHandler'

/** Route options with `security`, inferred as `List`: handlers are those of `Secured`, other hooks those of `Maybe`. */
type WithSecurity<List, Secured, Maybe> = Pick<Secured, Extract<keyof Secured, SecuredKey>> &
  Omit<Maybe, SecuredKey | 'security' | 'websocket'> & { security: InferredSecurity<List> }

/** A route that is no websocket. */
interface Http { websocket?: false }

/** A route of @fastify/websocket; no route if that is not installed. */
interface Websocket { websocket: 'websocket' extends keyof Options ? true : never }

type WebsocketHandler<R> = (this: Instance, socket: Client, request: R) => void | Promise<any>

declare module 'fastify' {
  interface RequestGenericInterface {
    /** The type of `request.auth`. @internal */
    readonly [kAuth]?: unknown
  }

  interface RouteShorthandMethod<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger
  > {
    <
      Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema,
      List = unknown
    >(
      path: string,
      opts: Http & WithSecurity<
        List,
        Options<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>,
        Options<RawServer, RawRequest, RawReply, Generic & MaybeSecuredBy<List>, Config, Schema, TypeProvider, Logger>
      >,
      handler: Handler<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    <
      Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema,
      List = unknown
    >(
      path: string,
      opts: Websocket & WithSecurity<
        List,
        Options<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>,
        Options<RawServer, RawRequest, RawReply, Generic & MaybeSecuredBy<List>, Config, Schema, TypeProvider, Logger>
      >,
      handler: WebsocketHandler<
        Request<Generic & SecuredBy<List>, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>
      >
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    <
      Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema,
      List = unknown
    >(
      path: string,
      opts: Http & WithSecurity<
        List,
        WithHandler<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>,
        Options<RawServer, RawRequest, RawReply, Generic & MaybeSecuredBy<List>, Config, Schema, TypeProvider, Logger>
      >
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    // Fastify's last signature.
    <Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema>(
      path: string,
      opts: WithHandler<RawServer, RawRequest, RawReply, Generic, Config, Schema, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }

  interface RouteShorthandOptions<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    RouteGeneric extends BaseGeneric = BaseGeneric,
    ContextConfig = BaseConfig,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger
  > {
    /**
     * The requirement of the route: alternatives, any one of which must hold. `[]` is public. It is enforced and
     * documented, and types `request.auth`.
     */
    security?: Security
  }

  interface FastifyRequest<
    RouteGeneric extends BaseGeneric = BaseGeneric,
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    SchemaCompiler extends BaseSchema = BaseSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    ContextConfig = BaseConfig,
    Logger extends FastifyBaseLogger = FastifyBaseLogger,
    RequestType extends FastifyRequestType = ResolveFastifyRequestType<TypeProvider, SchemaCompiler, RouteGeneric>
  > {
    /** The `Auth` of the accepted scheme; `null` if nobody is authenticated. */
    auth: AuthOf<RouteGeneric>
  }

  interface FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider> {
    route<
      Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema,
      List = unknown
    >(
      opts: Http & WithSecurity<
        List,
        Route<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>,
        Route<RawServer, RawRequest, RawReply, Generic & MaybeSecuredBy<List>, Config, Schema, TypeProvider, Logger>
      >
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    route<
      Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema,
      List = unknown
    >(
      opts: Websocket & {
        handler: WebsocketHandler<
          Request<Generic & SecuredBy<List>, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>
        >
      } & WithSecurity<
        List,
        Omit<
          Route<RawServer, RawRequest, RawReply, Generic & SecuredBy<List>, Config, Schema, TypeProvider, Logger>,
          'handler'
        >,
        Route<RawServer, RawRequest, RawReply, Generic & MaybeSecuredBy<List>, Config, Schema, TypeProvider, Logger>
      >
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    // Fastify's own signature.
    route<Generic extends BaseGeneric = BaseGeneric, Config = BaseConfig, const Schema extends BaseSchema = BaseSchema>(
      opts: Route<RawServer, RawRequest, RawReply, Generic, Config, Schema, TypeProvider, Logger>
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>

    /** The factories of security schemes. */
    readonly authSchemes: AuthSchemes
    /**
     * Registers a token endpoint at `POST path`, on this instance, its prefix included. It takes a login as a form,
     * which is validated, and responds to every error as RFC 6749 section 5.2 requires. It is always public.
     *
     * @throws {TypeError} for a bad argument or option, naming it
     */
    readonly tokenForm: TokenForm
    /**
     * Adds a requirement to every route of this encapsulation context and its children, those that were declared before
     * included. Its alternatives are combined with those of the route by AND; `secure([])` makes a context public,
     * whatever its parents require.
     *
     * @throws `FST_AUTH_BAD_SECURITY` for anything but a list of alternatives, and after the application is ready
     * @throws `FST_AUTH_UNGUARDED_ROUTE` if routes of the context were declared before the plugin was loaded
     */
    readonly secure: (security: Security) => void
    /** Returns `app.authSchemes.routes()` as a table. */
    readonly printSecurity: () => string
  }
}
