#include "api/body_source.h"

#include <vector>

namespace brig::api {
namespace {

class BodySource : public archive::Source {
public:
    explicit BodySource(http::BodyStream body) : body_(std::move(body)) {}
    std::span<const std::byte> next() override {
        return std::span(buffer_).first(body_.read(buffer_));
    }

private:
    http::BodyStream body_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(256U << 10U);
};

}  // namespace

std::unique_ptr<archive::Source> body_source(http::BodyStream body) {
    return std::make_unique<BodySource>(std::move(body));
}

}  // namespace brig::api
