#include "network/address_pool.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::network {
namespace {

using os::Ipv4Address;
using os::Ipv4Interface;

Ipv4Address ip(const char* text) { return Ipv4Address::parse(text).value(); }

TEST(AddressPool, GivesOutEveryAddressButGatewayNetworkAndBroadcast) {
    AddressPool pool(Ipv4Interface::parse("10.1.2.1/29"));
    std::vector<std::string> given;
    for (int i = 0; i < 5; ++i) given.push_back(pool.take().str());
    EXPECT_EQ(given, (std::vector<std::string>{"10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5",
                                               "10.1.2.6"}));
    try {
        pool.take();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    }
}

TEST(AddressPool, ReleasedAddressComesBackLast) {
    AddressPool pool(Ipv4Interface::parse("10.1.2.1/29"));
    const auto first = pool.take();
    pool.release(first);
    for (const auto* next : {"10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6", "10.1.2.2"})
        EXPECT_EQ(pool.take(), ip(next));
}

TEST(AddressPool, ParticularAddress) {
    AddressPool pool(Ipv4Interface::parse("10.1.2.1/24"));
    EXPECT_EQ(pool.take(ip("10.1.2.9")), ip("10.1.2.9"));
    EXPECT_THROW(pool.take(ip("10.1.2.9")), Error);
    for (const auto* bad : {"10.1.2.0", "10.1.2.1", "10.1.2.255", "10.1.3.4"})
        EXPECT_THROW(pool.take(ip(bad)), Error);
}

TEST(NetAddress, RefusesWhatIsNotStrictlyAnAddress) {
    for (const auto* bad :
         {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", "a.b.c.d", "1..2.3"}) {
        EXPECT_FALSE(Ipv4Address::parse(bad)) << bad;
    }
    for (const auto* bad : {"1.2.3.4/33", "1.2.3.4/", "1.2.3/8", "1.2.3.4/8x"})
        EXPECT_THROW(Ipv4Interface::parse(bad), Error) << bad;
    EXPECT_EQ(Ipv4Interface::parse("10.9.8.7/20").network().str(), "10.9.0.0/20");
    EXPECT_EQ(os::MacAddress::for_address(ip("172.30.0.2")).str(), "02:42:ac:1e:00:02");
    EXPECT_EQ(os::MacAddress::parse("02:42:ac:1e:00:02"),
              os::MacAddress::for_address(ip("172.30.0.2")));
    for (const auto* bad :
         {"01:42:ac:1e:00:02", "02:42:ac:1e:00", "02-42-ac-1e-00-02", "02:42:ac:1e:00:0g"}) {
        EXPECT_FALSE(os::MacAddress::parse(bad)) << bad;
    }
}

}  // namespace
}  // namespace brig::network
