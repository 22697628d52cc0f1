#include "plan/network.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fnmatch.h>

#include "io/system_net.hpp"
#include "memory/process_memory.hpp"

namespace weir {
namespace {

std::string_view first_of(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace

Network::~Network() {
  reader_.reset();
  writer_.reset();
  web_.reset();
  unmap_working_memory(memory_);
}

uint64_t Network::socket_bytes() const {
  const auto of = [](SocketUse use) { return SystemNet::receive_bytes_max(use) + SystemNet::send_bytes_max(use); };
  return (needs_.objects ? of(SocketUse::kReads) + of(SocketUse::kWrites) : 0) +
         (needs_.web() ? of(SocketUse::kReads) : 0) + needs_.sends * of(SocketUse::kWrites);
}

Status Network::start_aws(const AwsConfig& config) {
  config_ = config;
  CredentialSettings credentials;
  credentials.unsigned_requests = config_.no_sign_request;
  auto chain = CredentialChain::make(credentials, config_.profile, session_, disk_, environment_);
  if (!chain) return fail(chain.error());
  credentials_ = std::move(*chain);
  session_.aws.endpoint = credentials_->endpoints(config_.region, config_.endpoint_url);
  session_.aws.requester_pays = config.requester_pays;
  session_.aws.expected_bucket_owner = config.expected_bucket_owner;
  session_.aws.sse = config.sse;
  session_.aws.sse_kms_key_id = config.sse_kms_key_id;
  session_.credentials = credentials_.get();
  // Lambda alone looks for chains of invocations.
  const ProcessEnvironment environment(environment_);
  if (!environment.get("AWS_LAMBDA_FUNCTION_NAME").empty()) session_.trace_id = environment.get("_X_AMZN_TRACE_ID");
  if (!needs_.objects) return {};
  auto anywhere = s3_endpoint(session_.aws.endpoint, "bucket");
  if (!anywhere) return fail(anywhere.error());
  tls_ = anywhere->tls;
  return {};
}

Status Network::start_tls(const AwsConfig& config) {
  const ProcessEnvironment environment(environment_);
  TlsOptions options;
  const std::string file(
      first_of({config.ca_bundle, environment.get("AWS_CA_BUNDLE"), environment.get("SSL_CERT_FILE")}));
  const std::string folder(environment.get("SSL_CERT_DIR"));
  options.ca_file = file.empty() ? nullptr : file.c_str();
  options.ca_folder = folder.empty() ? nullptr : folder.c_str();
  auto context = TlsContext::make(options);
  if (!context) return fail(context.error());
  tls_context_ = std::move(*context);
  return {};
}

Status Network::start(const AwsConfig& config, const Needs& needs) {
  needs_ = needs;
  const ProcessEnvironment environment(environment_);
  const auto env = [&](std::string_view name) { return environment.get(name); };
  WEIR_TRY(TlsArena::take(tls_bytes()));  // names are looked up in it, too
  auto proxy = ProxyRules::make(first_of({env("https_proxy"), env("HTTPS_PROXY"), env("all_proxy"), env("ALL_PROXY")}),
                                first_of({env("http_proxy"), env("all_proxy"), env("ALL_PROXY")}),
                                first_of({env("no_proxy"), env("NO_PROXY")}));
  if (!proxy) return fail(proxy.error());
  proxy_ = std::move(*proxy);
  if (needs_.aws()) WEIR_TRY(start_aws(config));
  const bool tls =
      needs_.https || needs_.sends_https || (needs_.objects && tls_) || (needs_.aws() && credentials_->needs_tls());
  // http:// may lead to https://: where that can't be had, it is told when it does.
  if (tls || needs_.http || needs_.services) {
    if (const Status started = start_tls(config); !started && tls) return started;
  }
  for (HttpSession* session : {static_cast<HttpSession*>(&session_), &web_session_}) {
    session->http.net = &net_;
    session->http.clock = &clock_;
    session->http.limit = &limit_;
    session->http.proxy = &proxy_;
    session->http.tls = tls_context_.get();
  }
  web_session_.redirects_max = HttpGet::kRedirectsMax;
  if (needs_.sends != 0) {
    send_session_ = session_;
    send_web_session_ = web_session_;
    send_session_.http.limit = send_web_session_.http.limit = &send_limit_;
  }
  if (clients_bytes() == 0) return {};
  auto mapped = map_working_memory(clients_bytes());
  if (!mapped) return fail(mapped.error());
  memory_ = *mapped;
  std::span<char> left = memory_;
  const auto room = [&] {
    const std::span<char> taken = left.first(HttpCall::memory_max());
    left = left.subspan(taken.size());
    return taken;
  };
  if (needs_.objects) {
    reader_ = std::make_unique<S3Client>(session_, room(), SocketUse::kReads);
    writer_ = std::make_unique<S3Client>(session_, room(), SocketUse::kWrites);
  }
  if (needs_.web()) web_ = std::make_unique<HttpGet>(web_session_, room());
  return {};
}

Status Network::list(const std::string& url, std::vector<std::string>& names) {
  auto place = parse_s3_address(url);
  if (!place) return fail(place.error());
  const std::string pattern(place->key);
  const std::string bucket(place->bucket);
  const size_t special = pattern.find_first_of("*?[");
  const std::string prefix = pattern.substr(0, special);
  return writer_->list(bucket, prefix, [&](const ListedObject& listed) -> Status {
    const std::string key(listed.key.view());
    // The places that consoles make for folders hold nothing.
    if (key.ends_with('/') && listed.size == 0) return {};
    if (special != std::string::npos && fnmatch(pattern.c_str(), key.c_str(), FNM_PATHNAME) != 0) return {};
    names.push_back("s3://" + bucket + "/" + key);
    return {};
  });
}

}  // namespace weir
