#include "aws/profile.hpp"

#include <algorithm>

#include "io/http_head.hpp"

namespace weir {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

enum class LineKind : uint8_t { kEmpty, kSection, kKey, kIndented, kBad };

struct Line {
  LineKind kind = LineKind::kEmpty;
  std::string_view name;   ///< of the section or key
  std::string_view value;
};

void split(std::string_view text, Line& line) {
  const size_t mark = text.find_first_of("=:");
  line.name = trimmed(text.substr(0, mark));
  if (mark == std::string_view::npos || line.name.empty()) {
    line.kind = LineKind::kBad;
  } else {
    line.value = trimmed(text.substr(mark + 1));
  }
}

/// The next line of a file, which is taken from `left`.
Line next_line(std::string_view& left) {
  const std::string_view whole = left.substr(0, left.find('\n'));
  left.remove_prefix(std::min(whole.size() + 1, left.size()));
  Line line;
  const std::string_view text = trimmed(whole);
  if (text.empty() || whole.front() == '#' || whole.front() == ';') return line;
  if (is_blank(whole.front())) {
    line.kind = text.front() == '#' || text.front() == ';' ? LineKind::kEmpty : LineKind::kIndented;
    if (line.kind == LineKind::kIndented) line.value = text;
    return line;
  }
  if (text.front() == '[') {
    const size_t close = text.find(']');
    line.kind = close == std::string_view::npos ? LineKind::kBad : LineKind::kSection;
    line.name = trimmed(text.substr(1, close == std::string_view::npos ? close : close - 1));
    return line;
  }
  line.kind = LineKind::kKey;
  split(text, line);
  return line;
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

/// What a section of the config file is about: "profile x", "services x"; [default] is a profile.
bool is_section(std::string_view section, std::string_view kind, std::string_view name) {
  if (kind == "profile" && section == "default" && name == "default") return true;
  if (!section.starts_with(kind)) return false;
  section.remove_prefix(kind.size());
  if (section.empty() || !is_blank(section.front())) return false;
  return unquoted(trimmed(section)) == name;
}

enum class File : uint8_t { kCredentials, kConfig };

struct Found {
  bool section = false;
  bool key = false;
  std::string_view value;
};

/// Looks for `kind name` and in it for key and subkey; the last one counts. Files are small and read a few times at the start of a run.
Found look_up(std::string_view text, File file, std::string_view kind, std::string_view name, std::string_view key) {
  Found found;
  const size_t dot = key.find('.');
  const std::string_view outer = key.substr(0, dot);
  const std::string_view inner = dot == std::string_view::npos ? std::string_view{} : key.substr(dot + 1);
  bool here = false;
  bool block = false;
  while (!text.empty()) {
    const Line line = next_line(text);
    switch (line.kind) {
      case LineKind::kSection:
        here = file == File::kCredentials ? unquoted(line.name) == name : is_section(line.name, kind, name);
        found.section = found.section || here;
        block = false;
        break;
      case LineKind::kKey:
        block = here && same_word(line.name, outer);
        if (block && inner.empty()) {
          found.key = true;
          found.value = line.value;
        }
        break;
      case LineKind::kIndented:
        if (block && !inner.empty()) {
          Line nested;
          split(line.value, nested);
          if (nested.kind != LineKind::kBad && same_word(nested.name, inner)) {
            found.key = true;
            found.value = nested.value;
          }
        }
        break;
      case LineKind::kEmpty:
      case LineKind::kBad:
        break;
    }
  }
  return found;
}

Status check_file(std::string_view text, std::string_view name) {
  const auto bad = [&](std::string_view reason, uint32_t number) {
    Error error(Code::kBadProfile, name);
    error.detail.append(": ").append(reason);
    if (number != 0) error.detail.append(" in line ").append_number(number);
    return fail(error);
  };
  if (text.size() > kProfileFileBytesMax) return bad("larger than 1 MiB", 0);
  if (text.find('\0') != std::string_view::npos) return bad("it has NUL bytes", 0);
  uint32_t number = 0;
  bool inside = false;
  while (!text.empty()) {
    const Line line = next_line(text);
    ++number;
    if (line.kind == LineKind::kBad) return bad("neither [section] nor key = value", number);
    if (line.kind == LineKind::kSection) inside = true;
    if (!inside && line.kind != LineKind::kEmpty) return bad("a value before the first [section]", number);
  }
  return {};
}

Error bad_profile(std::string_view profile, std::string_view reason) {
  Error error(Code::kBadProfile, "profile ");
  for (const char c : profile.substr(0, 64)) error.detail.append(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  error.detail.append(": ").append(reason);
  return error;
}

/// The keys of one profile.
struct Profile {
  const ProfileFiles& files;
  std::string_view name;

  [[nodiscard]] std::string_view operator[](std::string_view key) const { return profile_value(files, name, key); }
  [[nodiscard]] bool has(std::string_view key) const { return !(*this)[key].empty(); }
  [[nodiscard]] bool has_static() const { return has("aws_access_key_id") || has("aws_secret_access_key"); }
  [[nodiscard]] bool has_role() const { return has("role_arn") && !has("web_identity_token_file"); }
  [[nodiscard]] bool in_credentials_file(std::string_view key) const {
    return look_up(files.credentials, File::kCredentials, "profile", name, key).key;
  }
};

Result<AssumeRole> role_of(const Profile& profile) {
  AssumeRole role{profile["role_arn"], profile["role_session_name"], profile["external_id"]};
  if (const std::string_view duration = profile["duration_seconds"]; !duration.empty()) {
    const auto seconds = parse_length(duration);
    if (!seconds || *seconds < 900 || *seconds > 43'200) {
      return fail(bad_profile(profile.name, "duration_seconds is 900 to 43200"));
    }
    role.duration_s = static_cast<uint32_t>(*seconds);
  }
  if (profile.has("mfa_serial")) {
    return fail(bad_profile(profile.name,
                            "its role needs MFA, which can't be asked for here; use `aws configure "
                            "export-credentials`"));
  }
  return role;
}

Status take_static(const Profile& profile, ProfileCredentials& out) {
  out.access_key = profile["aws_access_key_id"];
  out.secret_key = profile["aws_secret_access_key"];
  out.session_token = profile["aws_session_token"];
  if (out.access_key.empty() || out.secret_key.empty()) {
    return fail(bad_profile(profile.name, "only one of aws_access_key_id and aws_secret_access_key"));
  }
  out.base = ProfileBase::kStatic;
  return {};
}

/// A profile that assumes no role of another: in botocore's order.
Status take_base(const Profile& profile, ProfileCredentials& out) {
  out.profile = profile.name;
  if (profile.has("web_identity_token_file")) {
    if (!profile.has("role_arn")) return fail(bad_profile(profile.name, "web_identity_token_file without role_arn"));
    const auto role = role_of(profile);
    if (!role) return fail(role.error());
    out.web_role = *role;
    out.token_file = profile["web_identity_token_file"];
    out.base = ProfileBase::kWebIdentity;
  } else if (profile.has("sso_session") || profile.has("sso_start_url") || profile.has("sso_account_id")) {
    out.base = ProfileBase::kSso;
  } else if (profile.in_credentials_file("aws_access_key_id")) {
    return take_static(profile, out);
  } else if (profile.has("credential_process")) {
    out.process = profile["credential_process"];
    out.base = ProfileBase::kProcess;
  } else if (profile.has_static()) {
    return take_static(profile, out);
  }
  return {};
}

}  // namespace

Status check_profile_files(const ProfileFiles& files) {
  WEIR_TRY(check_file(files.credentials, "the credentials file"));
  return check_file(files.config, "the config file");
}

bool has_profile(const ProfileFiles& files, std::string_view profile) {
  return look_up(files.credentials, File::kCredentials, "profile", profile, {}).section ||
         look_up(files.config, File::kConfig, "profile", profile, {}).section;
}

std::string_view profile_value(const ProfileFiles& files, std::string_view profile, std::string_view key) {
  const Found first = look_up(files.credentials, File::kCredentials, "profile", profile, key);
  if (first.key) return first.value;
  return look_up(files.config, File::kConfig, "profile", profile, key).value;
}

std::string_view profile_endpoint_url(const ProfileFiles& files, std::string_view profile, std::string_view service) {
  if (const std::string_view services = profile_value(files, profile, "services"); !services.empty()) {
    const std::string_view key = service == "s3" ? "s3.endpoint_url" : "sts.endpoint_url";
    const Found found = look_up(files.config, File::kConfig, "services", services, key);
    if (!found.value.empty()) return found.value;
  }
  return profile_value(files, profile, "endpoint_url");
}

Result<ProfileCredentials> resolve_profile(const ProfileFiles& files, std::string_view name) {
  ProfileCredentials out;
  Profile profile{files, name};
  if (!has_profile(files, name)) return fail(bad_profile(name, "there is no such profile"));
  std::array<std::string_view, kRolesMax> seen;
  bool is_source = false;
  while (true) {
    // Of a profile that another one names, keys come before a role of its own.
    if (!profile.has_role() || (is_source && profile.has_static())) {
      WEIR_TRY(is_source && profile.has_static() ? take_static(profile, out) : take_base(profile, out));
      if (is_source && out.base == ProfileBase::kNothing) {
        return fail(bad_profile(profile.name, "it is the source of a role, but has no credentials"));
      }
      out.profile = profile.name;
      break;
    }
    if (out.role_count == kRolesMax) return fail(bad_profile(name, "too many roles one through the other"));
    const auto role = role_of(profile);
    if (!role) return fail(role.error());
    seen[out.role_count] = profile.name;
    out.roles[out.role_count++] = *role;
    const std::string_view source = profile["source_profile"];
    const std::string_view kind = profile["credential_source"];
    if (source.empty() == kind.empty()) {
      return fail(bad_profile(profile.name, "a role needs either source_profile or credential_source"));
    }
    if (!kind.empty()) {
      if (kind == "Environment") {
        out.base = ProfileBase::kEnvironment;
      } else if (kind == "EcsContainer") {
        out.base = ProfileBase::kContainer;
      } else if (kind == "Ec2InstanceMetadata") {
        out.base = ProfileBase::kImds;
      } else {
        return fail(bad_profile(profile.name, "credential_source is Environment, EcsContainer or Ec2InstanceMetadata"));
      }
      out.profile = profile.name;
      break;
    }
    const Profile next{files, source};
    if (!has_profile(files, source)) return fail(bad_profile(profile.name, "its source_profile is no profile"));
    const bool visited =
        std::find(seen.begin(), seen.begin() + out.role_count, source) != seen.begin() + out.role_count;
    if (visited && (source != profile.name || !next.has_static())) {
      return fail(bad_profile(profile.name, "its source_profile leads back to itself"));
    }
    profile.name = source;
    is_source = true;
  }
  // They were met from the outermost in; the innermost is assumed first.
  std::reverse(out.roles.begin(), out.roles.begin() + out.role_count);
  return out;
}

}  // namespace weir
