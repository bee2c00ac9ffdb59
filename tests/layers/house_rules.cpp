// Checks of the rules of the house.
#include "tests/layers/house_rules.h"

#include <algorithm>
#include <regex>
#include <set>

namespace dvt::layers {
namespace {

struct Word {
  std::string needle;  // lower case; found first, because the pattern is slow
  std::regex pattern;
  std::string_view why;
};

// Needles and patterns are split so that this file does not hold the words themselves.
const std::vector<Word>& words() {
  const auto pattern = [](const char* text) { return std::regex(text, std::regex::icase); };
  static const std::vector<Word> kWords = {
      {"ag"
       "ent",
       pattern("\\bag"
               "ents?\\b"),
       "names the writer, not the project"},
      {"sess"
       "ion",
       pattern("\\bsess"
               "ions?\\b"),
       "names the writing, not the project"},
      {"iss"
       "ue",
       pattern("\\bissue #?[0-9]+|\\bissue #"), "refers to a tracker; say the reason itself"},
      {"/wo"
       "rk/",
       pattern("/wo"
               "rk/"),
       "is a path of one machine"},
      {"/tm"
       "p/h/",
       pattern("/tm"
               "p/h/"),
       "is a path of one machine"},
      {"shared/", pattern("shared/(spec|hooks)"), "lies outside the project; name the document's section"},
      {"ll"
       "m",
       pattern("\\bL"
               "LMs?\\b"),
       "names a tool, not the project"},
      {"cla"
       "ude",
       pattern("\\bCla"
               "ude\\b"),
       "names a tool, not the project"},
  };
  return kWords;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

const TextFile* find_file(const std::vector<TextFile>& files, const std::string& path) {
  const auto found =
      std::lower_bound(files.begin(), files.end(), path,
                       [](const TextFile& file, const std::string& wanted) { return file.path < wanted; });
  return found != files.end() && found->path == path ? &*found : nullptr;
}

std::string join(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + '/' + std::string(name);
}

bool readme_above_names(const std::vector<TextFile>& files, const std::string& folder) {
  for (std::string_view above = folder_of(folder);; above = folder_of(above)) {
    const TextFile* readme = find_file(files, join(above, "README.md"));
    if (readme != nullptr) {
      const std::string name = folder.substr(above.empty() ? 0 : above.size() + 1);
      const std::string last = folder.substr(folder_of(folder).size() + (folder_of(folder).empty() ? 0 : 1));
      return readme->content.find(name + '/') != std::string::npos ||
             readme->content.find(last + '/') != std::string::npos;
    }
    if (above.empty()) return false;
  }
}

bool listed_in_a_meson_build(const std::vector<TextFile>& files, const std::string& path) {
  for (std::string_view folder = folder_of(path);; folder = folder_of(folder)) {
    const TextFile* build = find_file(files, join(folder, "meson.build"));
    const std::string name = path.substr(folder.empty() ? 0 : folder.size() + 1);
    if (build != nullptr && build->content.find('\'' + name + '\'') != std::string::npos) return true;
    if (folder.empty()) return false;
  }
}

std::size_t occurrences(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

std::vector<Finding> check_words(const TextFile& file) {
  std::vector<Finding> findings;
  const std::string content = lower_case(file.content);
  int line = 0;
  for (std::size_t start = 0; start < file.content.size();) {
    const std::size_t end = std::min(file.content.find('\n', start), file.content.size());
    const std::string text = file.content.substr(start, end - start);
    ++line;
    for (const Word& word : words()) {
      if (std::string_view(content).substr(start, end - start).find(word.needle) == std::string_view::npos) continue;
      std::smatch match;
      if (std::regex_search(text, match, word.pattern)) {
        findings.push_back({file.path, line, '"' + match.str() + "\" " + std::string(word.why)});
      }
    }
    start = end + 1;
  }
  return findings;
}

std::vector<Finding> check_opening(const TextFile& file) {
  const bool header = file.path.ends_with(".h");
  if (!header && !file.path.ends_with(".cpp")) return {};
  std::vector<Finding> findings;
  if (in_folder(file.path, "tests") && file.path.ends_with("_test.cpp")) return {};
  const std::string own_header = file.path.substr(0, file.path.rfind('.')) + ".h";
  if (!file.content.starts_with("//") && !file.content.starts_with("#include \"" + own_header + '"')) {
    findings.push_back({file.path, 1, "does not open by saying what it is for"});
  }
  if (header && file.content.find("\n#pragma once\n") == std::string::npos) {
    findings.push_back({file.path, 1, "has no #pragma once"});
  }
  return findings;
}

std::vector<Finding> check_readmes(const std::vector<TextFile>& files) {
  std::set<std::string> folders;
  for (const TextFile& file : files) {
    for (std::string_view folder = folder_of(file.path); !folder.empty(); folder = folder_of(folder)) {
      if (!folder.starts_with('.')) folders.emplace(folder);
    }
  }
  std::vector<Finding> findings;
  for (const std::string& folder : folders) {
    if (find_file(files, folder + "/README.md") != nullptr) continue;
    if (folder.starts_with("tests/") && folders.contains(folder.substr(6))) continue;
    if (readme_above_names(files, folder)) continue;
    findings.push_back({folder + "/README.md", 1, "is missing, and no README.md above names the folder"});
  }
  return findings;
}

std::vector<Finding> check_build_lists(const std::vector<TextFile>& files) {
  std::vector<Finding> findings;
  for (const TextFile& file : files) {
    if (file.path.ends_with(".cpp") && !listed_in_a_meson_build(files, file.path)) {
      findings.push_back({file.path, 1, "is listed in no meson.build, so nothing compiles it"});
    }
    if (!file.path.ends_with("meson.build") || in_folder(file.path, "tests") || file.path == "meson.build") continue;
    std::set<std::string_view> folders;
    for (const TextFile& other : files) {
      if (other.path.ends_with(".cpp") && in_folder(other.path, folder_of(file.path)))
        folders.insert(folder_of(other.path));
    }
    if (occurrences(file.content, "static_library(") > folders.size()) {
      findings.push_back(
          {file.path, 1, "defines more static libraries than there are folders with sources; one a folder"});
    }
  }
  return findings;
}

}  // namespace dvt::layers
