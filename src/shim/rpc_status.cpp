// See rpc_status.h. The numbers are google.rpc.Code's.
#include "shim/rpc_status.h"

#include <algorithm>
#include <array>

namespace brig::shim {
namespace {

struct Entry {
    ErrorKind kind;
    int code;
};
constexpr std::array table{
    Entry{ErrorKind::cancelled, 1},         Entry{ErrorKind::invalid_argument, 3},
    Entry{ErrorKind::not_found, 5},         Entry{ErrorKind::already_exists, 6},
    Entry{ErrorKind::permission_denied, 7}, Entry{ErrorKind::failed_precondition, 9},
    Entry{ErrorKind::conflict, 10},         Entry{ErrorKind::not_implemented, 12},
    Entry{ErrorKind::internal, 13},         Entry{ErrorKind::unavailable, 14},
};

}  // namespace

int to_code(ErrorKind kind) { return std::ranges::find(table, kind, &Entry::kind)->code; }

ErrorKind from_code(int code) {
    const auto* entry = std::ranges::find(table, code, &Entry::code);
    return entry == table.end() ? ErrorKind::internal : entry->kind;
}

}  // namespace brig::shim
