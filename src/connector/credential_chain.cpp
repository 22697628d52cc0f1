#include "connector/credential_chain.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/credential_json.hpp"
#include "aws/s3_replies.hpp"
#include "hash/hex.hpp"
#include "io/url.hpp"

namespace weir {
namespace {

constexpr size_t kTextBytes = 64u << 10;  // a web identity token as a form; a command's output
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kCommandNs = 60 * kSecondNs;
constexpr uint64_t kAdvisoryPauseNs = 60 * kSecondNs;  // between tries while the old ones are good

bool on_path(std::string_view name, std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    std::string candidate(path.substr(0, end));
    candidate.append("/").append(name);
    if (access(candidate.c_str(), X_OK) == 0) return true;
    path.remove_prefix(end == path.size() ? end : end + 1);
  }
  return false;
}

/// One plain exchange: where to, what with; a 2xx is success, and what else comes is judged by its status.
class Fetch final : public HttpService {
 public:
  std::string_view method = "GET";
  Url url;
  std::span<const HttpField> fields;
  HttpBody* body = nullptr;
  Code refused = Code::kNoCredentials;

  Status make(HttpRequest& request, uint32_t) override {
    request.method = method;
    request.url = url;
    request.fields = fields;
    request.body = body;
    return {};
  }
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override {
    if (head.status() / 100 == 2) return FailureClass::kNone;
    error = Error(refused);
    error.detail.append(url.host).append(" answers with status ").append_number(head.status());
    ErrorReplyReader reader;
    Error unread;
    if (!text.empty()) (void)reader.read(text, true, unread);
    if (reader.failure().present()) {
      error.detail.append(": ")
          .append(reader.failure().code.view())
          .append(" ")
          .append(reader.failure().message.view());
    }
    return head.status() >= 500 || head.status() == 429 ? FailureClass::kTransient : FailureClass::kFatal;
  }
};

}  // namespace

std::string_view ProcessEnvironment::get(std::string_view name) const {
  for (char** entry = entries_; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == '=')
      return text.substr(name.size() + 1);
  }
  return {};
}

Status CredentialChain::read_file(const char* path, size_t bytes_max, std::string& text) {
  auto info = disk_.info(path);
  if (!info || info->kind == FileKind::kNone) return {};
  auto file = disk_.open_to_read(path);
  if (!file) return fail(file.error());
  text.resize(std::min<uint64_t>(info->size, bytes_max) + 1);
  size_t used = 0;
  Status status;
  while (used < text.size()) {
    auto got = disk_.read_at(*file, used, {text.data() + used, text.size() - used});
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    used += *got;
  }
  disk_.close(*file);
  text.resize(used);
  return status;
}

Result<std::unique_ptr<CredentialChain>> CredentialChain::make(const CredentialSettings& settings,
                                                               std::string_view profile, AwsSession& session,
                                                               Disk& disk, char** environment) {
  std::unique_ptr<CredentialChain> chain(new CredentialChain(session, disk, environment));
  chain->profile_ = profile;
  chain->settings_ = settings;
  chain->settings_.profile = chain->profile_;
  const ProcessEnvironment& env = chain->environment_;
  chain->settings_.aws_on_path = on_path("aws", env.get("PATH"));
  const auto place = [&](std::string_view variable, std::string_view name) {
    const std::string_view given = env.get(variable);
    if (given.starts_with("~/")) return std::string(env.get("HOME")).append(given.substr(1));
    if (!given.empty()) return std::string(given);
    return env.get("HOME").empty() ? std::string() : std::string(env.get("HOME")).append("/.aws/").append(name);
  };
  const std::string credentials_file = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const std::string config_file = place("AWS_CONFIG_FILE", "config");
  if (!credentials_file.empty())
    WEIR_TRY(chain->read_file(credentials_file.c_str(), kProfileFileBytesMax, chain->credentials_text_));
  if (!config_file.empty()) WEIR_TRY(chain->read_file(config_file.c_str(), kProfileFileBytesMax, chain->config_text_));
  chain->files_ = {chain->credentials_text_, chain->config_text_};
  WEIR_TRY(check_profile_files(chain->files_));
  auto plan = plan_credentials(env, chain->files_, chain->settings_);
  if (!plan) return fail(plan.error());
  chain->plan_ = *plan;
  const CredentialPlan& made = chain->plan_;
  if (made.step == CredentialStep::kUnsigned || (made.step == CredentialStep::kStatic && made.role_count == 0)) {
    chain->keys_ = made.keys;
    chain->fetched_ = true;
    return chain;
  }
  chain->http_room_.resize(HttpCall::memory_max());
  chain->text_room_.resize(kTextBytes);
  chain->call_ = std::make_unique<HttpCall>(chain->fetch_session_, chain->http_room_);
  if (made.step == CredentialStep::kProcess) {
    chain->process_ = made.process;
    for (const char* word : {"/bin/sh", "-c"}) chain->argv_.push_back(const_cast<char*>(word));
    chain->argv_.push_back(chain->process_.data());
    chain->argv_.push_back(nullptr);
  } else if (made.step == CredentialStep::kSsoByCli) {
    for (const std::string_view word : made.cli_command) {
      if (!word.empty()) chain->cli_words_.emplace_back(word);
    }
    for (std::string& word : chain->cli_words_) chain->argv_.push_back(word.data());
    chain->argv_.push_back(nullptr);
  }
  return chain;
}

bool CredentialChain::needs_tls() const {
  return plan_.role_count != 0 || plan_.step == CredentialStep::kWebIdentity ||
         (plan_.step == CredentialStep::kContainer && plan_.url.view().starts_with("https://"));
}

Result<const Credentials*> CredentialChain::get(uint64_t wall_ns) {
  if (plan_.step == CredentialStep::kUnsigned) return nullptr;
  const RefreshNeed need = fetched_ ? refresh_need(keys_, wall_ns) : RefreshNeed::kExpired;
  if (need == RefreshNeed::kNone) return &keys_;
  // While the old ones are good a failure is no harm, and not tried at every request.
  if (need != RefreshNeed::kExpired && wall_ns < tried_wall_ns_ + kAdvisoryPauseNs) return &keys_;
  tried_wall_ns_ = wall_ns;
  const Status fetched = fetch();
  if (fetched || need == RefreshNeed::kAdvisory || need == RefreshNeed::kMandatory) return &keys_;
  Error error = fetched.error();
  if (fetched_ && error.code == Code::kNoCredentials) error.code = Code::kCredentialsExpired;
  return fail(error);
}

bool CredentialChain::renew() {
  if (plan_.step == CredentialStep::kUnsigned || (plan_.step == CredentialStep::kStatic && plan_.role_count == 0))
    return false;
  return fetch().has_value();
}

// The session's network with times of its own: nobody waits long for an endpoint that is next door.
Status CredentialChain::fetch() {
  fetch_session_.http = session_.http;
  fetch_session_.retries = RetryBudget{};
  const bool near = plan_.step == CredentialStep::kImds || plan_.step == CredentialStep::kContainer;
  if (near) {
    const uint64_t time = plan_.step == CredentialStep::kImds ? kSecondNs : 2 * kSecondNs;
    fetch_session_.http.times = {time, time, time, time};
  }
  const uint64_t now = session_.http.clock->monotonic_ns();
  fetch_session_.stop_at_ns = std::min(session_.stop_at_ns, now + (near ? 9 : 60) * kSecondNs);
  auto fetched = base();
  for (size_t i = 0; fetched && i < plan_.role_count; ++i) {
    fetch_session_.http.times = session_.http.times;
    const Credentials with = *fetched;
    fetched = assume(plan_.roles[i], with);
  }
  call_->close();
  if (!fetched) {
    Error error = fetched.error();
    // The time of this fetch alone: the run has more.
    if (error.code == Code::kInterrupted && session_.end_ns() > session_.http.clock->monotonic_ns())
      error.code = Code::kNetStalled;
    if (!plan_.origin.empty()) error.detail.append(" (from ").append(plan_.origin).append(")");
    return fail(error);
  }
  keys_ = *fetched;
  fetched_ = true;
  return {};
}

Result<Credentials> CredentialChain::base() {
  switch (plan_.step) {
    case CredentialStep::kUnsigned:
    case CredentialStep::kStatic:
      return plan_.keys;
    case CredentialStep::kWebIdentity:
      return by_web_identity();
    case CredentialStep::kContainer:
      return by_endpoint();
    case CredentialStep::kImds:
      return by_metadata();
    case CredentialStep::kProcess:
      return by_command(argv_.data(), "credential_process");
    case CredentialStep::kSsoByCli:
      return by_command(argv_.data(), "aws configure export-credentials");
  }
  return fail(Code::kInternal);
}

// A small file that holds a token, into the text room.
Result<std::string_view> CredentialChain::read_secret(std::string_view path, std::string_view what) {
  FixedText<1024> name(path);
  name.append('\0');
  auto file = disk_.open_to_read(name.view().data());
  if (!file) return fail(Code::kNoCredentials, std::string_view(FixedText<200>(what).append(" can't be read").view()));
  size_t used = 0;
  for (;;) {
    auto got = disk_.read_at(*file, used, std::span(text_room_).subspan(used));
    if (!got || *got == 0) break;
    used += *got;
    if (used == text_room_.size()) break;
  }
  disk_.close(*file);
  return std::string_view(text_room_.data(), used);
}

Result<Credentials> CredentialChain::by_endpoint() {
  std::string_view token = plan_.authorization;
  if (!plan_.authorization_file.empty()) {
    auto text = read_secret(plan_.authorization_file, "the container's authorization token");
    if (!text) return fail(text.error());
    auto checked = authorization_of(*text);
    if (!checked) return fail(checked.error());
    token = *checked;
  }
  Fetch fetch;
  auto url = parse_url(plan_.url.view());
  if (!url) return fail(url.error());
  fetch.url = *url;
  const HttpField fields[] = {{"Accept", "application/json"}, {"Authorization", token}};
  fetch.fields = std::span(fields).first(token.empty() ? 1 : 2);
  call_->begin(fetch, true);
  WEIR_TRY(call_->run());
  return parse_credential_json(call_->text(), CredentialJson::kEndpoint);
}

Result<Credentials> CredentialChain::by_metadata() {
  constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";
  Fetch fetch;
  auto url = parse_url(plan_.url.view());
  if (!url) return fail(url.error());
  const auto ask = [&](std::string_view method, std::string_view path, std::span<const HttpField> fields,
                       HttpBody* body) -> Result<std::string_view> {
    fetch.method = method;
    fetch.url = *url;
    fetch.url.path_and_query = path;
    fetch.fields = fields;
    fetch.body = body;
    call_->begin(fetch, true);
    WEIR_TRY(call_->run());
    return call_->text();
  };
  TextBody nothing;
  const HttpField ttl[] = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  auto token_text = ask("PUT", "/latest/api/token", ttl, &nothing);
  if (!token_text) {
    // Nobody there: this machine is no instance.
    Error none(Code::kNoCredentials, token_text.error().detail.view());
    return fail(none);
  }
  const FixedText<1024> token(*token_text);
  const HttpField with_token[] = {{"x-aws-ec2-metadata-token", token.view()}};
  auto role = ask("GET", kRoles, with_token, nullptr);
  if (!role) return fail(role.error());
  FixedText<512> path(kRoles);
  const std::string_view first = role->substr(0, role->find_first_of("\r\n"));
  if (first.empty() || !append_encoded(path, first, false))
    return fail(Code::kNoCredentials, "the instance has no role");
  auto text = ask("GET", path.view(), with_token, nullptr);
  if (!text) return fail(text.error());
  return parse_credential_json(*text, CredentialJson::kEndpoint);
}

Result<Credentials> CredentialChain::by_web_identity() {
  auto token = read_secret(plan_.token_file, "the web identity token");
  if (!token) return fail(token.error());
  // The form is made behind the token.
  const std::span<char> room = std::span(text_room_).subspan(token->size());
  auto form = web_identity_form(plan_.web_role, *token, room);
  if (!form) return fail(form.error());
  return ask_sts(*form, nullptr);
}

Result<Credentials> CredentialChain::assume(const AssumeRole& role, const Credentials& with) {
  auto form = assume_role_form(role);
  if (!form) return fail(form.error());
  return ask_sts(form->view(), &with);
}

Result<Credentials> CredentialChain::ask_sts(std::string_view form, const Credentials* with) {
  auto endpoint = sts_endpoint(session_.aws.endpoint);
  if (!endpoint) return fail(endpoint.error());
  Fetch fetch;
  fetch.method = "POST";
  fetch.refused = Code::kBadCredentials;
  fetch.url.tls = endpoint->tls;
  fetch.url.host = endpoint->host.view();
  fetch.url.port = endpoint->port;
  fetch.url.path_and_query = "/";
  TextBody body(form);
  fetch.body = &body;
  std::array<HttpField, 8> fields;
  size_t count = 0;
  fields[count++] = {"Content-Type", "application/x-www-form-urlencoded"};
  Signature signature;
  FixedText<64> hash;
  if (with != nullptr) {
    hash = sha256_hex(form);
    const SigningScope scope{signing_region(session_.aws.endpoint), "sts", session_.server_wall_ns(), false};
    fields[count] = {"Host", endpoint->authority.view()};
    auto made = sign(*with, scope, "POST", "/", "", {fields.data(), count + 1}, hash.view());
    if (!made) return fail(made.error());
    signature = *made;
    std::array<HttpField, 4> signing;
    const size_t signed_count = signature.fields(*with, scope, hash.view(), signing);
    for (size_t i = 0; i < signed_count; ++i) fields[count++] = signing[i];
  }
  fetch.fields = {fields.data(), count};
  call_->begin(fetch, true);
  WEIR_TRY(call_->run());
  StsReader reader;
  Error error;
  const Transfer read = reader.read(call_->text(), true, error);
  if (read.step == Step::kFailed) return fail(error);
  return reader.credentials();
}

// The command's stdout, within a minute and the text room; its stderr is the user's.
Result<Credentials> CredentialChain::by_command(char* const* words, std::string_view what) {
  const auto failed = [&](std::string_view why) {
    Error error(Code::kNoCredentials, what);
    error.detail.append(" ").append(why);
    return fail(error);
  };
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("can't be started");
  const pid_t child = vfork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return failed("can't be started");
  }
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execvpe(words[0], words, entries_);
    _exit(127);
  }
  ::close(ends[1]);
  Clock& clock = *session_.http.clock;
  const uint64_t until = clock.monotonic_ns() + kCommandNs;
  size_t used = 0;
  bool whole = false;
  while (!whole && used < text_room_.size()) {
    const uint64_t now = clock.monotonic_ns();
    const uint64_t end = std::min(until, session_.end_ns());
    if (now >= end) break;
    pollfd entry{ends[0], POLLIN, 0};
    const int ready = poll(&entry, 1, static_cast<int>((end - now) / 1'000'000 + 1));
    if (ready <= 0) continue;
    const ssize_t got = ::read(ends[0], text_room_.data() + used, text_room_.size() - used);
    if (got > 0) used += static_cast<size_t>(got);
    whole = got == 0 || (got < 0 && errno != EINTR);
  }
  ::close(ends[0]);
  if (!whole) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return failed("gave no end of output in time");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return failed("failed");
  return parse_credential_json({text_room_.data(), used}, CredentialJson::kProcess);
}

}  // namespace weir
