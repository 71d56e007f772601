// See cgroup_devices.h. The last rule that matches decides, as the files of version 1 do it.
#include "os/linux/cgroup_devices.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "base/fd.h"
#include "os/linux/cgroup_files.h"

namespace brig::os {
namespace {

long bpf(int command, bpf_attr& attributes) {
    return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

std::uint32_t access_mask(const DeviceRule& rule) {
    std::uint32_t mask = 0;
    for (const char c : rule.access) {
        if (c == 'm')
            mask |= BPF_DEVCG_ACC_MKNOD;
        else if (c == 'r')
            mask |= BPF_DEVCG_ACC_READ;
        else if (c == 'w')
            mask |= BPF_DEVCG_ACC_WRITE;
        else
            throw Error(ErrorKind::invalid_argument, "devices: unknown access {:?}", rule.access);
    }
    return mask != 0 ? mask : BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
}

constexpr std::uint32_t all_access = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

bool any(const std::optional<std::int64_t>& number) { return !number || *number < 0; }

// Registers: 2 type, 3 access, 4 major, 5 minor.
class Program {
public:
    Program() {
        load(2, offsetof(bpf_cgroup_dev_ctx, access_type));
        code_.push_back({BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0});
        code_.push_back({BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 0xffff});
        code_.push_back({BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 16});
        load(4, offsetof(bpf_cgroup_dev_ctx, major));
        load(5, offsetof(bpf_cgroup_dev_ctx, minor));
    }

    /// False when nothing after this rule can be reached.
    bool add(const DeviceRule& rule) {
        const std::size_t begin = code_.size();
        if (rule.type == "b" || rule.type == "c") {
            skip_unless_equal(2, rule.type == "b" ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        } else if (rule.type != "a" && !rule.type.empty()) {
            throw Error(ErrorKind::invalid_argument, "devices: unknown type {:?}", rule.type);
        }
        const std::uint32_t access = access_mask(rule);
        if (access != all_access) {
            code_.push_back({BPF_ALU64 | BPF_MOV | BPF_X, 1, 3, 0, 0});
            // Allowing needs all that is asked for, denying any of it.
            const std::uint32_t mask = rule.allow ? ~access & all_access : access;
            code_.push_back(
                {BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0, static_cast<std::int32_t>(mask)});
            const auto skip_when = static_cast<std::uint8_t>(rule.allow ? BPF_JNE : BPF_JEQ);
            skip(skip_when, 1, 0);
        }
        if (!any(rule.major)) skip_unless_equal(4, static_cast<std::int32_t>(*rule.major));
        if (!any(rule.minor)) skip_unless_equal(5, static_cast<std::int32_t>(*rule.minor));
        const bool conditional = code_.size() != begin;
        decide(rule.allow);
        for (const std::size_t jump : jumps_)
            code_[jump].off = static_cast<std::int16_t>(code_.size() - jump - 1);
        jumps_.clear();
        return conditional;
    }

    void decide(bool allow) {
        code_.push_back({BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, allow ? 1 : 0});
        code_.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
    }

    [[nodiscard]] const std::vector<bpf_insn>& code() const { return code_; }

    [[nodiscard]] Fd load_into_kernel() const {
        bpf_attr attributes{};
        attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
        attributes.insns = reinterpret_cast<std::uintptr_t>(code_.data());
        attributes.insn_cnt = static_cast<std::uint32_t>(code_.size());
        attributes.license = reinterpret_cast<std::uintptr_t>("Apache");
        Fd fd(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
        if (!fd) throw SysError("load the device rules");
        return fd;
    }

private:
    void load(std::uint8_t reg, std::size_t offset) {
        code_.push_back({BPF_LDX | BPF_W | BPF_MEM, reg, 1, static_cast<std::int16_t>(offset), 0});
    }
    void skip(std::uint8_t condition, std::uint8_t reg, std::int32_t value) {
        jumps_.push_back(code_.size());
        code_.push_back({static_cast<std::uint8_t>(BPF_JMP | condition | BPF_K), reg, 0, 0, value});
    }
    void skip_unless_equal(std::uint8_t reg, std::int32_t value) { skip(BPF_JNE, reg, value); }

    std::vector<bpf_insn> code_;
    std::vector<std::size_t> jumps_;
};

bool same_code(const std::vector<bpf_insn>& a, const std::vector<bpf_insn>& b) {
    return a.size() == b.size() &&
           std::memcmp(a.data(), b.data(), a.size() * sizeof(bpf_insn)) == 0;
}

/// The last program again when the rules are the same: a supervisor of a thousand containers loads
/// (and the kernel keeps) one instead of a thousand.
Fd loaded(const Program& program) {
    static std::mutex mutex;
    static std::vector<bpf_insn> last_code;
    static Fd last;
    const std::lock_guard lock(mutex);
    if (!last || !same_code(last_code, program.code())) {
        last = program.load_into_kernel();
        last_code = program.code();
    }
    return last.duplicate();
}

/// What is attached to exactly this group.
std::vector<std::uint32_t> attached_programs(int directory) {
    std::array<std::uint32_t, 64> ids{};
    bpf_attr attributes{};
    attributes.query.target_fd = static_cast<std::uint32_t>(directory);
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    attributes.query.prog_cnt = ids.size();
    if (bpf(BPF_PROG_QUERY, attributes) != 0) return {};
    return {ids.begin(), ids.begin() + attributes.query.prog_cnt};
}

void detach(int directory, std::uint32_t id) {
    bpf_attr get{};
    get.prog_id = id;
    const Fd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, get)));
    if (!program) return;
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(directory);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    bpf(BPF_PROG_DETACH, attributes);
}

std::string rule_text(const DeviceRule& rule) {
    const auto number = [](const auto& n) {
        return any(n) ? std::string("*") : std::to_string(*n);
    };
    const std::string access = rule.access.empty() ? "rwm" : rule.access;
    if (rule.type == "a" || rule.type.empty()) return "a *:* " + access;
    return fmt::format("{} {}:{} {}", rule.type, number(rule.major), number(rule.minor), access);
}

}  // namespace

std::vector<DeviceRule> with_harmless_devices(std::vector<DeviceRule> rules) {
    struct Node {
        std::int64_t major, minor;
    };
    constexpr std::array nodes{Node{1, 3}, Node{1, 5}, Node{1, 7}, Node{1, 8},   Node{1, 9},
                               Node{5, 0}, Node{5, 1}, Node{5, 2}, Node{136, -1}};
    // Any node may be made; using it is another matter.
    rules.push_back({true, "c", -1, -1, "m"});
    rules.push_back({true, "b", -1, -1, "m"});
    for (const Node& node : nodes) rules.push_back({true, "c", node.major, node.minor, "rwm"});
    return rules;
}

void attach_device_rules(int directory, const std::vector<DeviceRule>& rules) {
    Program program;
    bool more = true;
    for (auto rule = rules.rbegin(); rule != rules.rend() && more; ++rule)
        more = program.add(*rule);
    if (more) program.decide(true);
    const Fd ours = loaded(program);
    const auto old = attached_programs(directory);
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(directory);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(ours.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attributes) != 0) {
        if (errno == EINVAL && !old.empty()) return;  // the very same program is attached already
        throw SysError("attach the device rules");
    }
    for (const std::uint32_t id : old) detach(directory, id);
}

void write_device_rules_v1(const std::string& directory, const std::vector<DeviceRule>& rules) {
    for (const DeviceRule& rule : rules) {
        write_control(directory, rule.allow ? "devices.allow" : "devices.deny", rule_text(rule));
    }
}

}  // namespace brig::os
