// The one place where Asio's and Beast's own code is compiled (they are header libraries used with
// separate compilation).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
