// Compiling takes libseccomp a millisecond or two, so programs are kept in files beside the state,
// found by a hash of the profile and used only when the whole profile is the same.
#include "os/linux/seccomp.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"

namespace brig::os {

struct SyscallFilter::Program {
    unsigned flags = 0;
    std::vector<sock_filter> code;
};

namespace {

[[noreturn]] void invalid(std::string_view what, std::string_view value) {
    throw Error(ErrorKind::invalid_argument, "seccomp: unknown {} {:?}", what, value);
}

std::uint32_t action_of(const std::string& name, std::optional<std::uint32_t> errno_ret) {
    const std::uint32_t number = errno_ret.value_or(EPERM);
    if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number);
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number);
    if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
    if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
    if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
    if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
    if (name == "SCMP_ACT_NOTIFY") return SCMP_ACT_NOTIFY;
    invalid("action", name);
}

scmp_compare operator_of(const std::string& name) {
    constexpr std::array operators{std::pair{"SCMP_CMP_NE", SCMP_CMP_NE},
                                   std::pair{"SCMP_CMP_LT", SCMP_CMP_LT},
                                   std::pair{"SCMP_CMP_LE", SCMP_CMP_LE},
                                   std::pair{"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                   std::pair{"SCMP_CMP_GE", SCMP_CMP_GE},
                                   std::pair{"SCMP_CMP_GT", SCMP_CMP_GT},
                                   std::pair{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
    for (const auto& [text, op] : operators) {
        if (name == text) return op;
    }
    invalid("operator", name);
}

/// Whether the filter asks somebody. Two things would have nobody to ask: everything, and the call
/// that hands the questions over.
bool asks(const Seccomp& profile) {
    const std::string_view notify = "SCMP_ACT_NOTIFY";
    if (profile.default_action == notify) {
        throw Error(ErrorKind::invalid_argument,
                    "seccomp.defaultAction: SCMP_ACT_NOTIFY is not possible for every call");
    }
    bool any = false;
    for (const SeccompRule& rule : profile.syscalls) {
        if (rule.action != notify) continue;
        any = true;
        if (std::ranges::find(rule.names, "sendmsg") != rule.names.end()) {
            throw Error(ErrorKind::invalid_argument,
                        "seccomp: SCMP_ACT_NOTIFY is not possible for sendmsg, which hands the "
                        "listener its descriptor");
        }
    }
    return any;
}

unsigned flags_of(const Seccomp& profile) {
    const bool notifies = asks(profile);
    unsigned flags = notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    for (const std::string& name : profile.flags) {
        if (name == "SECCOMP_FILTER_FLAG_LOG") {
            flags |= SECCOMP_FILTER_FLAG_LOG;
        } else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
            flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        } else if (name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") {
            constexpr unsigned wait_killable = 1U << 5U;
            if (notifies) flags |= wait_killable;  // the kernel refuses it without a listener
        } else if (name != "SECCOMP_FILTER_FLAG_TSYNC") {  // there is one thread
            invalid("flag", name);
        }
    }
    return flags;
}

void check(int result, std::string_view what) {
    if (result < 0) throw SysError(-result, fmt::format("seccomp: {}", what));
}

void add_architectures(scmp_filter_ctx context, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        constexpr std::string_view prefix = "SCMP_ARCH_";
        const std::string bare = to_lower(
            name.starts_with(prefix) ? std::string_view(name).substr(prefix.size()) : name);
        const std::uint32_t token = ::seccomp_arch_resolve_name(bare.c_str());
        if (token == 0) invalid("architecture", name);
        const int result = ::seccomp_arch_add(context, token);
        if (result != -EEXIST) check(result, "add architecture " + name);
    }
}

void add_rule(scmp_filter_ctx context, const SeccompRule& rule, std::uint32_t default_action) {
    const std::uint32_t action = action_of(rule.action, rule.errno_ret);
    if (action == default_action) return;
    std::vector<scmp_arg_cmp> args;
    std::set<std::uint32_t> indices;
    for (const SeccompArg& arg : rule.args) {
        scmp_arg_cmp compare{};
        compare.arg = arg.index;
        compare.op = operator_of(arg.op);
        // For a masked comparison the mask is the first number (as runc reads it).
        compare.datum_a = arg.value;
        compare.datum_b = arg.value_two;
        args.push_back(compare);
        indices.insert(arg.index);
    }
    for (const std::string& name : rule.names) {
        const int number = ::seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) continue;  // newer than libseccomp; see newer_calls()
        if (indices.size() == args.size()) {
            check(::seccomp_rule_add_array(context, action, number,
                                           static_cast<unsigned>(args.size()), args.data()),
                  "add a rule for " + name);
            continue;
        }
        // Several conditions on one argument are alternatives.
        for (const scmp_arg_cmp& compare : args) {
            check(::seccomp_rule_add_array(context, action, number, 1, &compare),
                  "add a rule for " + name);
        }
    }
}

// System calls that the installed libseccomp may be too old to know. Their numbers are the same on
// every architecture.
struct NewCall {
    std::string_view name;
    unsigned number;
};
constexpr std::array new_calls{NewCall{"cachestat", 451},         NewCall{"fchmodat2", 452},
                               NewCall{"map_shadow_stack", 453},  NewCall{"futex_wake", 454},
                               NewCall{"futex_wait", 455},        NewCall{"futex_requeue", 456},
                               NewCall{"statmount", 457},         NewCall{"listmount", 458},
                               NewCall{"lsm_get_self_attr", 459}, NewCall{"lsm_set_self_attr", 460},
                               NewCall{"lsm_list_modules", 461},  NewCall{"mseal", 462},
                               NewCall{"setxattrat", 463},        NewCall{"getxattrat", 464},
                               NewCall{"listxattrat", 465},       NewCall{"removexattrat", 466}};

unsigned newest_known_call() {
    for (unsigned number = 600; number > 0; --number) {
        char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number));
        if (name == nullptr) continue;
        std::free(name);
        return number;
    }
    return 0;
}

/// Calls newer than the filter's knowledge get ENOSYS, not EPERM, so that C libraries fall back
/// to older ones; the new ones that the profile allows by name are allowed.
std::vector<sock_filter> newer_calls(const Seccomp& profile) {
    constexpr std::uint32_t x32_bit = 0x40000000;
    const unsigned known = newest_known_call();
    std::vector<unsigned> allowed;
    for (const SeccompRule& rule : profile.syscalls) {
        if (rule.action != "SCMP_ACT_ALLOW" || !rule.args.empty()) continue;
        for (const NewCall& call : new_calls) {
            if (call.number > known &&
                std::ranges::find(rule.names, call.name) != rule.names.end()) {
                allowed.push_back(call.number);
            }
        }
    }
    const auto count = static_cast<std::uint8_t>(allowed.size());
    std::vector<sock_filter> code;
    const auto length = static_cast<std::uint8_t>(count + 2);
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    code.push_back(
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, known, 0, static_cast<std::uint8_t>(length + 1)));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, length, 0));
    for (std::uint8_t i = 0; i < count; ++i) {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed.at(i),
                                static_cast<std::uint8_t>(count - i), 0));
    }
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return code;
}

std::vector<sock_filter> exported(scmp_filter_ctx context) {
    const Fd memory(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!memory) throw SysError("create memory file");
    check(::seccomp_export_bpf(context, memory.get()), "compile the filter");
    if (::lseek(memory.get(), 0, SEEK_SET) != 0) throw SysError("rewind memory file");
    const std::string bytes = read_to_end(memory.get(), 1U << 20U);
    std::vector<sock_filter> code(bytes.size() / sizeof(sock_filter));
    std::memcpy(code.data(), bytes.data(), code.size() * sizeof(sock_filter));
    return code;
}

std::vector<sock_filter> compile_code(const Seccomp& profile) {
    const std::uint32_t default_action =
        action_of(profile.default_action, profile.default_errno_ret);
    scmp_filter_ctx context = ::seccomp_init(default_action);
    if (context == nullptr) throw Error(ErrorKind::internal, "seccomp: cannot make a filter");
    const Defer release([&] { ::seccomp_release(context); });
    add_architectures(context, profile.architectures);
    // A binary tree of comparisons: twenty times fewer instructions for every system call.
    ::seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const SeccompRule& rule : profile.syscalls) add_rule(context, rule, default_action);
    std::vector<sock_filter> code;
    if (default_action != SCMP_ACT_ALLOW && default_action != SCMP_ACT_LOG)
        code = newer_calls(profile);
    const auto main = exported(context);
    code.insert(code.end(), main.begin(), main.end());
    return code;
}

/// Everything that determines the program, as text.
std::string profile_text(const Seccomp& profile) {
    std::string out =
        fmt::format("1 {} {} {} {}\n", ::seccomp_version()->micro, profile.default_action,
                    profile.default_errno_ret.value_or(EPERM), join(profile.flags, ","));
    out += join(profile.architectures, ",");
    for (const SeccompRule& rule : profile.syscalls) {
        out += fmt::format("\n{} {}", rule.action, rule.errno_ret.value_or(EPERM));
        for (const SeccompArg& arg : rule.args) {
            out += fmt::format(" {}:{}:{}:{}", arg.index, arg.op, arg.value, arg.value_two);
        }
        for (const std::string& name : rule.names) (out += ' ') += name;
    }
    return out;
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    return hash;
}

std::string_view bytes_of(const std::vector<sock_filter>& code) {
    return {reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter)};
}

// File: "LENGTH FLAGS CHECKSUM\n" profile text, program.
std::string cache_file_content(const std::string& text, const SyscallFilter::Program& program) {
    std::string out = fmt::format("{} {} {:x}\n{}", text.size(), program.flags,
                                  fnv1a(bytes_of(program.code)), text);
    out += bytes_of(program.code);
    return out;
}

struct CacheEntry {
    std::string text;
    SyscallFilter::Program program;
};

/// Nothing for content that is not whole.
std::optional<CacheEntry> parse_cache_file(const std::string& content) {
    const std::size_t line = content.find('\n');
    if (line == std::string::npos) return std::nullopt;
    const auto fields = split(std::string_view(content).substr(0, line), ' ');
    if (fields.size() != 3) return std::nullopt;
    const auto length = parse_int<std::size_t>(fields[0]);
    const auto flags = parse_int<unsigned>(fields[1]);
    if (!length || !flags || *length > content.size() - line - 1) return std::nullopt;
    CacheEntry entry{content.substr(line + 1, *length), {*flags, {}}};
    const std::string_view code = std::string_view(content).substr(line + 1 + *length);
    if (fmt::format("{:x}", fnv1a(code)) != fields[2]) return std::nullopt;
    entry.program.code.resize(code.size() / sizeof(sock_filter));
    std::memcpy(entry.program.code.data(), code.data(),
                entry.program.code.size() * sizeof(sock_filter));
    return entry;
}

/// Nothing when there is no such file, and for one that somebody else could have written: it would
/// decide what a container may do.
std::optional<CacheEntry> read_cache(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT || errno == ELOOP) return std::nullopt;
        throw SysError("open {}", path);
    }
    struct stat info {};
    const bool ours = ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) &&
                      info.st_uid == ::geteuid() && (info.st_mode & 0177U) == 0;
    if (!ours) return std::nullopt;
    return parse_cache_file(read_to_end(file.get(), 4U << 20U));
}

/// False when another process was there first.
bool add_to_cache(const std::string& path, const std::string& content) {
    const std::string temporary = path + "." + random_hex(6);
    const Defer clean([&] { ::unlink(temporary.c_str()); });
    const Fd file = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
    write_all(file.get(), content);
    if (::link(temporary.c_str(), path.c_str()) == 0) return true;
    if (errno == EEXIST) return false;
    throw SysError("link {}", path);
}

}  // namespace

SyscallFilter SyscallFilter::compile(const Seccomp& profile, const std::string& cache_directory) {
    SyscallFilter filter;
    const std::string text = profile_text(profile);
    std::shared_ptr<Program> program;
    const auto compile_now = [&] {
        if (!program)
            program = std::make_shared<Program>(Program{flags_of(profile), compile_code(profile)});
        return program;
    };
    if (cache_directory.empty()) {
        filter.program_ = compile_now();
        return filter;
    }
    // A file is never replaced, so a hash made to collide with another profile's only gets the
    // next number.
    const std::uint64_t hash = fnv1a(text);
    for (unsigned i = 0;; ++i) {
        filter.key_ = fmt::format("{:016x}-{}", hash, i);
        const std::string path = cache_directory + "/" + filter.key_;
        if (auto entry = read_cache(path)) {
            if (entry->text != text) continue;
            filter.program_ = std::make_shared<Program>(std::move(entry->program));
            return filter;
        }
        compile_now();
        make_directories(cache_directory, 0700);
        ::unlink(path.c_str());  // one that is there all the same is damaged or not ours
        if (!add_to_cache(path, cache_file_content(text, *program)))
            --i;
        else {
            filter.program_ = program;
            return filter;
        }
    }
}

SyscallFilter SyscallFilter::from_cache(const std::string& key,
                                        const std::string& cache_directory) {
    SyscallFilter filter;
    if (key.empty()) return filter;
    auto entry = read_cache(cache_directory + "/" + key);
    if (!entry) throw Error(ErrorKind::not_found, "seccomp: no compiled filter {}", key);
    filter.key_ = key;
    filter.program_ = std::make_shared<Program>(std::move(entry->program));
    return filter;
}

bool SyscallFilter::notifies() const {
    return program_ && (program_->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
}

Fd load_filter(const SyscallFilter& filter) {
    const auto& program = *filter.program();
    sock_fprog request{static_cast<unsigned short>(program.code.size()),
                       const_cast<sock_filter*>(program.code.data())};
    const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &request);
    if (result < 0) throw SysError("install the system call filter");
    return filter.notifies() ? Fd(static_cast<int>(result)) : Fd();
}

}  // namespace brig::os
