// Netlink: one request, every message of the answer, and the attributes within.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include <linux/rtnetlink.h>

namespace policyc {

// RTA_OK and RTA_NEXT mix signed and unsigned lengths; this does the same with checked sizes.
template <class Visit>
void eachAttribute(const uint8_t* data, size_t length, Visit visit) {
  while (length >= sizeof(struct rtattr)) {
    struct rtattr head {};
    std::memcpy(&head, data, sizeof(head));
    if (head.rta_len < sizeof(head) || head.rta_len > length) return;
    visit(static_cast<uint16_t>(head.rta_type & NLA_TYPE_MASK), data + RTA_LENGTH(0),
          head.rta_len - RTA_LENGTH(0));
    const size_t step = RTA_ALIGN(head.rta_len);
    if (step >= length) return;
    data += step;
    length -= step;
  }
}

uint32_t attributeWord(const uint8_t* data, size_t length);
std::string attributeText(const uint8_t* data, size_t length);

// Sends a whole request, and gives the body of every message of the wanted type to `visit`: all of a dump,
// or the one that answers a request without NLM_F_DUMP. Returns a positive errno, or 0.
int askNetlink(int netlink, const void* request, size_t length, uint16_t wanted,
               const std::function<void(const uint8_t* body, size_t size)>& visit);

// The same over rtnetlink, in the calling thread's network namespace.
int dumpNetlink(const void* request, size_t length, uint16_t wanted,
                const std::function<void(const uint8_t* body, size_t size)>& visit);

}  // namespace policyc
