// nearest_word: "did you mean ...?" for keys, values and placeholders.
#pragma once

#include <span>
#include <string_view>

namespace weir {

/// Changes (insert, delete, replace, swap neighbours) that turn `a` into `b`; 99 when either is longer than 64 bytes.
unsigned word_distance(std::string_view a, std::string_view b);

/// The word nearest to `word`, if it is near enough to be meant (a third of its length); else empty.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> words);

/// As above for one candidate: true when `candidate` is near enough to be meant and nearer than `best`, which is updated.
bool is_nearer(std::string_view word, std::string_view candidate, unsigned& best);

}  // namespace weir
