// What runs that died left in S3: uploads and tails that no checkpoint names.
#include "connector/file_checkpoint_store.hpp"
#include "connector/s3_checkpoint_store.hpp"
#include "connector/s3_objects_sink.hpp"
#include "connector/s3_sink.hpp"
#include "plan/job.hpp"

namespace weir {
Status Job::collect_garbage(bool take_away, uint64_t older_than_ns, const std::function<void(const Garbage&)>& found) {
  if (s3_requests() == nullptr) return {};
  S3Client& client = network_->writer();
  // Who holds the job's lease is at work: what stands there is its own.
  std::unique_ptr<CheckpointStore> store;
  std::vector<char> room(sizes_.checkpoint);
  std::optional<Checkpointer> checkpointer;
  bool known = false;
  if (!checkpoint_name_.empty()) {
    store = make_checkpoint_store();
    CheckpointOptions options;
    options.job_id = job_id_;
    options.key = config_.checkpoint.key;
    checkpointer.emplace(*store, room, clock_, options);
    auto there = checkpointer->open();
    if (!there) return fail(there.error());
    known = *there && checkpointer->has_sections();
  }
  struct Output {
    std::string url;
    bool many = false;
    CheckpointSection section = CheckpointSection::kSink;
  };
  std::vector<Output> outputs;
  if (to_ == To::kObject || to_ == To::kObjects)
    outputs.push_back({output_name_, to_ == To::kObjects, CheckpointSection::kSink});
  if (is_s3(rejects_name_)) outputs.push_back({rejects_name_, false, CheckpointSection::kRejectsSink});
  for (const Output& output : outputs) {
    S3Sink::Saved saved;
    if (known) {
      StateReader state = checkpointer->loaded().section(output.section);
      if (!(output.many ? S3ObjectsSink::saved(state, saved) : S3Sink::saved(state, saved)))
        return fail(Code::kCheckpointInvalid, "its sink section is not sound");
      // A run that was done and did not hear of it left its last tail; nobody goes on with that.
      if (checkpointer->loaded().head().kind == CheckpointKind::kDone) saved = {};
    }
    const auto place = s3_name(output.many ? output_prefix_ : output.url);
    if (!place) return fail(place.error());
    struct Left {
      S3Name name;
      std::string upload_id;
      uint64_t begun_wall_ns = 0;
    };
    std::vector<Left> uploads;
    WEIR_TRY(client.list_uploads(place->bucket, place->key, [&](const ListedUpload& listed) -> Status {
      const std::string_view key = listed.key.view();
      const bool ours =
          output.many ? !S3ObjectsSink::number_of(key, place->key, output_suffix_).empty() : key == place->key;
      if (ours && listed.upload_id.view() != saved.upload.view())
        uploads.push_back({{place->bucket, std::string(listed.key.view())},
                           std::string(listed.upload_id.view()),
                           listed.initiated_wall_ns});
      return {};
    }));
    const uint64_t now = network_->server_wall_ns();
    for (const Left& left : uploads) {
      const bool young = older_than_ns != 0 && left.begun_wall_ns + older_than_ns > now;
      found({"upload", "s3://" + left.name.bucket + "/" + left.name.key, left.upload_id, young});
      if (take_away && !young) WEIR_TRY(client.abort(left.name, left.upload_id));
    }
    if (checkpoint_name_.empty()) continue;
    const S3Name tail = upload_options(output.url, false).tail;
    std::vector<std::string> tails;
    WEIR_TRY(client.list(tail.bucket, tail.key + std::string(S3Sink::kTail), [&](const ListedObject& listed) -> Status {
      const std::string key(listed.key.view());
      const std::string number = key.substr(tail.key.size() + S3Sink::kTail.size());
      const bool a_tail = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
      if (a_tail && number != std::to_string(saved.tail)) tails.push_back(key);
      return {};
    }));
    for (const std::string& key : tails) {
      found({"tail", "s3://" + tail.bucket + "/" + key, {}});
      if (take_away) WEIR_TRY(client.remove({tail.bucket, key}));
    }
  }
  return {};
}

}  // namespace weir
