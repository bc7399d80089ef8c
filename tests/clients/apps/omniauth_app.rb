# A Rack application with omniauth_openid_connect, which GitLab and Discourse use.
# Environment: ISSUER, CLIENT_ID, CLIENT_SECRET, PORT.
require "json"
require "rack"
require "omniauth"
require "omniauth_openid_connect"

issuer = ENV.fetch("ISSUER")
url = "http://localhost:#{ENV.fetch("PORT")}"
OmniAuth.config.allowed_request_methods = [:get]
OmniAuth.config.silence_get_warning = true
OmniAuth.config.logger = Logger.new($stderr)

app = Rack::Builder.new do
  use Rack::Session::Cookie, secret: "s" * 64
  use OmniAuth::Builder do
    provider :openid_connect,
             name: "openid_connect",
             scope: %i[openid profile email],
             response_type: "code",
             issuer: issuer,
             client_auth_method: ENV.fetch("AUTH_METHOD").to_sym,
             uid_field: "sub",
             # Discovery of this version is for https alone.
             client_options: {
               identifier: ENV.fetch("CLIENT_ID"),
               secret: ENV.fetch("CLIENT_SECRET"),
               redirect_uri: "#{url}/users/auth/openid_connect/callback",
               scheme: "http",
               host: "localhost",
               port: URI(issuer).port,
               authorization_endpoint: "#{issuer}/oauth/authorize",
               token_endpoint: "#{issuer}/oauth/token",
               userinfo_endpoint: "#{issuer}/oauth/userinfo",
               jwks_uri: "#{issuer}/oauth/jwks"
             },
             path_prefix: "/users/auth"
  end
  run lambda { |env|
    found = env["omniauth.auth"]
    fault = Rack::Request.new(env).params["message"]
    body = found ? { uid: found.uid, email: found.info.email, claims: found.extra.raw_info } : { fault: fault }
    [found || !fault ? 200 : 400, { "Content-Type" => "application/json" }, [body.to_json]]
  }
end

Rack::Handler::WEBrick.run(app, Host: "127.0.0.1", Port: ENV.fetch("PORT").to_i)
