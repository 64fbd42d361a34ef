// The vocabulary of the shim: how handles, sizes, scalars, dtypes and errors cross the C ABI.
// A handle is the bare TensorImpl*, owned by one reference; an argument struct of one or two machine words passes in registers.
#pragma once

#include <ATen/Functions.h>
#include <ATen/Generator.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define RL_API extern "C" __attribute__((visibility("default")))

namespace rl {

// std::optional in libtorch >= 2.1, c10::optional before: taken from a signature rather than named.
template <class U, template <class...> class O, class T> O<U> rebind(O<T>);
template <class U> struct opt_of { using type = decltype(rebind<U>(std::declval<at::TensorOptions>().device_opt())); };
template <class U> using opt = typename opt_of<U>::type;

using H = c10::TensorImpl*;

struct A {  // a tensor argument, borrowed; p is null for an absent optional tensor
  H p;
  at::Tensor& ref() const { return *reinterpret_cast<at::Tensor*>(const_cast<A*>(this)); }
  operator at::Tensor&() const { return ref(); }
  at::Tensor* operator->() const { return &ref(); }
  opt<at::Tensor> o() const { return p ? rl::opt<at::Tensor>(ref()) : rl::opt<at::Tensor>(); }
  at::Tensor or_undefined() const { return p ? ref() : at::Tensor(); }
};
static_assert(sizeof(at::Tensor) == sizeof(void*), "at::Tensor is no longer one pointer");

struct I {  // a list of integers
  const int64_t* p;
  int64_t n;
  operator at::IntArrayRef() const { return at::IntArrayRef(p, n); }
  // An absent list means "all dimensions".
  at::OptionalIntArrayRef o() const { return n ? at::OptionalIntArrayRef(at::IntArrayRef(p, n)) : at::OptionalIntArrayRef(); }
};

struct S {  // a scalar: kind -1 absent, 0 int64, 1 double, 2 bool
  int64_t kind;
  int64_t bits;
  operator at::Scalar() const {
    if (kind == 1) { double d; std::memcpy(&d, &bits, 8); return at::Scalar(d); }
    if (kind == 2) return at::Scalar(bits != 0);
    return at::Scalar(bits);
  }
  opt<at::Scalar> o() const { return kind < 0 ? rl::opt<at::Scalar>() : rl::opt<at::Scalar>(static_cast<at::Scalar>(*this)); }
};

struct D {  // a dtype, -1 for "as it is"
  int64_t v;
  opt<at::ScalarType> o() const { return v < 0 ? rl::opt<at::ScalarType>() : rl::opt<at::ScalarType>(static_cast<at::ScalarType>(v)); }
  operator at::ScalarType() const { return static_cast<at::ScalarType>(v); }
};

struct J {  // an optional integer, INT64_MIN for absent
  int64_t v;
  opt<int64_t> o() const { return v == INT64_MIN ? rl::opt<int64_t>() : rl::opt<int64_t>(v); }
};

inline at::Device device_of(int64_t type, int64_t index) {
  return at::Device(static_cast<at::DeviceType>(type), static_cast<at::DeviceIndex>(index));
}

struct O {  // dtype in bits 0-7 (255: unset), device type in 8-15 (255: unset), device index in 16-31 (0xffff: -1)
  int64_t v;
  operator at::TensorOptions() const {
    auto o = at::TensorOptions();
    if ((v & 255) != 255) o = o.dtype(static_cast<at::ScalarType>(v & 255));
    if (((v >> 8) & 255) != 255) o = o.device(device_of((v >> 8) & 255, static_cast<int16_t>(v >> 16)));
    return o;
  }
};

struct G {  // an optional generator
  c10::GeneratorImpl* p;
  at::Generator& ref() const { return *reinterpret_cast<at::Generator*>(const_cast<G*>(this)); }
  opt<at::Generator> o() const { return p ? rl::opt<at::Generator>(ref()) : rl::opt<at::Generator>(); }
};
static_assert(sizeof(at::Generator) == sizeof(void*), "at::Generator is no longer one pointer");

struct L {  // a list of tensors
  const A* p;
  int64_t n;
  std::vector<at::Tensor> v() const {
    std::vector<at::Tensor> r;
    r.reserve(n);
    for (int64_t i = 0; i < n; i++) r.push_back(p[i].or_undefined());
    return r;
  }
};

inline H give(at::Tensor t) { return t.defined() ? t.unsafeReleaseTensorImpl() : nullptr; }

void fail(const char* message);             // remembers the message for this thread
int64_t give_list(std::vector<at::Tensor>&& tensors, H** out);

template <class... T> int64_t give_list(std::tuple<T...>&& t, H** out) {
  return give_list(std::apply([](auto&... e) { return std::vector<at::Tensor>{e...}; }, t), out);
}

// Runs f; whatever it throws becomes this thread's message and the failure value.
template <class R, class F> R guard(R failed, F&& f) noexcept {
  try {
    return f();
  } catch (const c10::Error& e) {
    fail(e.what_without_backtrace());
  } catch (const std::exception& e) {
    fail(e.what());
  } catch (...) {
    fail("an unknown C++ exception");
  }
  return failed;
}

}  // namespace rl

// One line per operation. OP gives a new tensor, DO works in place or has no result, OPL gives several tensors, VAL a number.
#define OP(name, args, ...) \
  RL_API H rl_##name args { return guard<H>(nullptr, [&]() -> H { return give(__VA_ARGS__); }); }
#define DO(name, args, ...) \
  RL_API int rl_##name args { return guard<int>(0, [&]() -> int { (void)(__VA_ARGS__); return 1; }); }
#define OPL(name, args, ...) \
  RL_API int64_t rl_##name args { return guard<int64_t>(-1, [&]() -> int64_t { return give_list(__VA_ARGS__, out); }); }
