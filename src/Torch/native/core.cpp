// What is not a tensor operation: errors, lifetime, properties, data, indexing, autograd, generators, devices, settings.
#include "shim.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <dlfcn.h>
#include <stdlib.h>

using namespace rl;

// ---- errors -------------------------------------------------------------------------------------------------------

namespace {
thread_local std::string message;
thread_local bool failed = false;
thread_local std::vector<H> results;
}

void rl::fail(const char* m) {
  message = m;
  failed = true;
}

// The message of this thread's last failure, once; null when there is none.
RL_API const char* rl_error() {
  if (!failed) return nullptr;
  failed = false;
  return message.c_str();
}

// The handles stay readable in this thread until its next list-valued call.
int64_t rl::give_list(std::vector<at::Tensor>&& tensors, H** out) {
  results.clear();
  for (auto& t : tensors) results.push_back(give(std::move(t)));
  *out = results.data();
  return static_cast<int64_t>(results.size());
}

// ---- loading ------------------------------------------------------------------------------------------------------

namespace {

std::string loaded_version() {  // "TORCH_VERSION=1.13.1," in the build settings
  auto config = at::show_config();
  auto at = config.find("TORCH_VERSION=");
  if (at == std::string::npos) return "";
  auto end = config.find_first_of(", \n", at);
  return config.substr(at + 14, end - at - 14);
}

std::string major_minor(const std::string& v) {
  auto dot = v.find('.');
  return dot == std::string::npos ? v : v.substr(0, v.find_first_not_of("0123456789", dot + 1));
}

std::string file_of(void* symbol) {
  Dl_info info;
  if (symbol == nullptr || dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return "";
  char* real = realpath(info.dli_fname, nullptr);
  std::string r = real ? real : info.dli_fname;
  free(real);
  return r;
}

}  // namespace

// Called once when the library is loaded. Null, or why it cannot be used.
RL_API const char* rl_init() {
  static std::string why;
  auto loaded = loaded_version();
  if (!loaded.empty() && major_minor(loaded) != major_minor(TORCH_VERSION)) {
    why = "it was built for libtorch " TORCH_VERSION " but libtorch " + loaded + " was loaded";
    return why.c_str();
  }
  // A second BLAS thread costs time and changes bits: parallelism is over tasks.
  if (auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
  return nullptr;
}

// key=value lines for diagnosis: built, loaded, libtorch, capability, blas, blas_file, blas_optimized, cuda, cudnn, devices, threads.
RL_API const char* rl_info() {
  static std::string text;
  guard<int>(0, [&] {
    auto config = at::show_config();
    std::string capability, blas = "reference", file = file_of(dlsym(RTLD_DEFAULT, "sgemm_"));
    auto c = config.find("CPU capability usage: ");
    if (c != std::string::npos) capability = config.substr(c + 22, config.find('\n', c) - c - 22);
    bool mkl = config.find("Math Kernel Library") != std::string::npos || config.find("BLAS_INFO=mkl") != std::string::npos;
    bool optimized = mkl;
    if (mkl) blas = "MKL";
    if (auto get = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) {
      blas = get();
      optimized = true;
    }
    for (auto name : {"blis", "atlas", "armpl", "nvpl"}) if (file.find(name) != std::string::npos) blas = name, optimized = true;
    bool cuda = torch::cuda::is_available();
    text = "built=" TORCH_VERSION "\nloaded=" + loaded_version() + "\nlibtorch=" + file_of(dlsym(RTLD_DEFAULT, "_ZN2at11show_configB5cxx11Ev")) +
           "\ncapability=" + capability + "\nblas=" + blas + "\nblas_file=" + file + "\nblas_optimized=" + (optimized ? "1" : "0") +
           "\ncuda=" + (cuda ? "1" : "0") + "\ncudnn=" + (cuda && torch::cuda::cudnn_is_available() ? "1" : "0") +
           "\ndevices=" + std::to_string(cuda ? torch::cuda::device_count() : 0) + "\nthreads=" + std::to_string(at::get_num_threads()) + "\n";
    return 1;
  });
  return text.c_str();
}

// ---- lifetime and properties --------------------------------------------------------------------------------------

RL_API void rl_free(H h) {
  guard<int>(0, [&] { c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(h); return 1; });
}

RL_API int64_t rl_dim(A x) { return guard<int64_t>(-1, [&] { return x->dim(); }); }
RL_API int64_t rl_numel(A x) { return guard<int64_t>(-1, [&] { return x->numel(); }); }
RL_API int64_t rl_dtype(A x) { return static_cast<int64_t>(x->scalar_type()); }
RL_API int64_t rl_device(A x) { return guard<int64_t>(-1, [&] { return (static_cast<int64_t>(x->device().type()) << 16) | static_cast<uint16_t>(x->device().index()); }); }
DO(sizes, (A x, int64_t* out), [&] { auto s = x->sizes(); std::copy(s.begin(), s.end(), out); return 1; }())
DO(strides, (A x, int64_t* out), [&] { auto s = x->strides(); std::copy(s.begin(), s.end(), out); return 1; }())
RL_API int64_t rl_storage_offset(A x) { return guard<int64_t>(-1, [&] { return x->storage_offset(); }); }
RL_API int rl_is_contiguous(A x) { return guard<int>(0, [&] { return x->is_contiguous() ? 1 : 0; }); }
RL_API int rl_requires_grad(A x) { return guard<int>(0, [&] { return x->requires_grad() ? 1 : 0; }); }
RL_API int rl_is_leaf(A x) { return guard<int>(0, [&] { return x->is_leaf() ? 1 : 0; }); }
RL_API int rl_is_sparse(A x) { return guard<int>(0, [&] { return x->is_sparse() ? 1 : 0; }); }
RL_API void* rl_data_ptr(A x) { return guard<void*>(nullptr, [&] { return x->data_ptr(); }); }

DO(set_requires_grad, (A x, bool v), x->requires_grad_(v))
OP(grad, (A x), at::Tensor(x->grad()))
DO(set_grad, (A x, A g), [&] { x->mutable_grad() = g.or_undefined(); return 1; }())
DO(retain_grad, (A x), [&] { x->retain_grad(); return 1; }())
// A leaf that shares storage but not history, as Parameter takes it over.
OP(share, (A x), at::Tensor(x.ref()))

OP(from_blob, (void* data, I sizes, O options, void (*release)(void*), void* context),
   at::from_blob(data, sizes, [release, context](void*) { release(context); }, options))
OP(copy_of, (const void* data, I sizes, int64_t bytes, O options, D dtype), [&] {
     auto t = at::empty(sizes, at::TensorOptions().dtype(dtype));
     if (bytes) std::memcpy(t.data_ptr(), data, bytes);
     return t.to(static_cast<at::TensorOptions>(options));
   }())
DO(item, (A x, S* out), [&] {
     auto s = x->item();
     double d = 0;
     if (s.isBoolean()) *out = S{2, s.toBool()};
     else if (s.isFloatingPoint()) { d = s.toDouble(); out->kind = 1; std::memcpy(&out->bits, &d, 8); }
     else *out = S{0, s.toLong()};
     return 1;
   }())

// ---- indexing -----------------------------------------------------------------------------------------------------

namespace {

struct Index {  // kind 0 none, 1 ellipsis, 2 integer a, 3 bool a, 4 slice a:b:c (INT64_MIN absent), 5 tensor t
  int64_t kind, a, b, c;
  A t;
};

opt<int64_t> bound(int64_t v) { return J{v}.o(); }

std::vector<at::indexing::TensorIndex> indices(const Index* p, int64_t n) {
  using namespace at::indexing;
  std::vector<TensorIndex> r;
  for (int64_t i = 0; i < n; i++) {
    const Index& x = p[i];
    switch (x.kind) {
      case 0: r.emplace_back(None); break;
      case 1: r.emplace_back(Ellipsis); break;
      case 2: r.emplace_back(x.a); break;
      case 3: r.emplace_back(x.a != 0); break;
      case 4: r.emplace_back(Slice(bound(x.a), bound(x.b), bound(x.c))); break;
      default: r.emplace_back(x.t.ref()); break;
    }
  }
  return r;
}

}  // namespace

OP(index, (A x, const Index* p, int64_t n), x->index(indices(p, n)))
DO(index_put_, (A x, const Index* p, int64_t n, A value), x->index_put_(indices(p, n), value))
DO(index_put_s_, (A x, const Index* p, int64_t n, S value), x->index_put_(indices(p, n), static_cast<at::Scalar>(value)))

// ---- autograd -----------------------------------------------------------------------------------------------------

DO(backward, (L outputs, L grads, bool retain, bool create, L inputs),
   [&] { torch::autograd::backward(outputs.v(), grads.v(), opt<bool>(retain), create, inputs.v()); return 1; }())
OPL(autograd_grad, (L outputs, L inputs, L grads, bool retain, bool create, bool unused, H** out),
    torch::autograd::grad(outputs.v(), inputs.v(), grads.v(), opt<bool>(retain), create, unused))
RL_API int rl_grad_enabled() { return at::GradMode::is_enabled(); }
RL_API void rl_set_grad_enabled(bool v) { at::GradMode::set_enabled(v); }
RL_API void* rl_inference_enter(bool v) { return guard<void*>(nullptr, [&] { return static_cast<void*>(new c10::InferenceMode(v)); }); }
RL_API void rl_inference_leave(void* p) { delete static_cast<c10::InferenceMode*>(p); }
RL_API int rl_inference_enabled() { return c10::InferenceMode::is_enabled(); }
RL_API int rl_anomaly() { return torch::autograd::AnomalyMode::is_enabled() ? (torch::autograd::AnomalyMode::should_check_nan() ? 3 : 1) : 0; }
RL_API void rl_set_anomaly(bool v, bool check_nan) { torch::autograd::AnomalyMode::set_enabled(v, check_nan); }

// ---- random numbers -----------------------------------------------------------------------------------------------

namespace {

at::Generator default_generator(int64_t type, int64_t index) {
  auto d = device_of(type, index);
  if (d.is_cuda()) TORCH_CHECK(torch::cuda::is_available(), "CUDA is not available");
  return at::globalContext().defaultGenerator(d);
}

c10::GeneratorImpl* give_generator(const at::Generator& g) {
  auto copy = g.getIntrusivePtr();
  return copy.release();
}

}  // namespace

RL_API c10::GeneratorImpl* rl_generator(uint64_t seed, int64_t type, int64_t index) {
  return guard<c10::GeneratorImpl*>(nullptr, [&] {
    auto g = default_generator(type, index).clone();
    g.set_current_seed(seed);
    return give_generator(g);
  });
}
RL_API c10::GeneratorImpl* rl_default_generator() {
  return guard<c10::GeneratorImpl*>(nullptr, [&] { return give_generator(default_generator(0, -1)); });
}
RL_API void rl_generator_free(c10::GeneratorImpl* p) {
  guard<int>(0, [&] { c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(p); return 1; });
}
namespace {
template <class F> int locked(G g, F&& f) {
  return guard<int>(0, [&] { std::lock_guard<std::mutex> lock(g.ref().mutex()); f(g.ref()); return 1; });
}
}  // namespace
RL_API int rl_generator_set_seed(G g, uint64_t seed) { return locked(g, [&](at::Generator& x) { x.set_current_seed(seed); }); }
RL_API int rl_generator_reseed(G g, uint64_t* out) { return locked(g, [&](at::Generator& x) { *out = x.seed(); }); }
RL_API int rl_generator_seed(G g, uint64_t* out) { return locked(g, [&](at::Generator& x) { *out = x.current_seed(); }); }
OP(generator_state, (G g), g.ref().get_state())
RL_API int rl_generator_set_state(G g, A state) { return locked(g, [&](at::Generator& x) { x.set_state(state); }); }
DO(manual_seed, (uint64_t seed), [&] { at::manual_seed(seed); return 1; }())

// ---- devices and settings -----------------------------------------------------------------------------------------

RL_API int rl_cuda_available() { return guard<int>(0, [&] { return torch::cuda::is_available() ? 1 : 0; }); }
RL_API int rl_cudnn_available() { return guard<int>(0, [&] { return torch::cuda::cudnn_is_available() ? 1 : 0; }); }
RL_API int rl_cuda_count() { return guard<int>(0, [&] { return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0; }); }
DO(cuda_seed, (uint64_t seed, bool all), [&] { all ? torch::cuda::manual_seed_all(seed) : torch::cuda::manual_seed(seed); return 1; }())
DO(cuda_synchronize, (int64_t device), [&] { torch::cuda::synchronize(device); return 1; }())
RL_API int rl_threads() { return guard<int>(1, [&] { return at::get_num_threads(); }); }
DO(set_threads, (int n), [&] { at::set_num_threads(n); return 1; }())
RL_API int rl_interop_threads() { return guard<int>(1, [&] { return at::get_num_interop_threads(); }); }
DO(set_interop_threads, (int n), [&] { at::set_num_interop_threads(n); return 1; }())
RL_API int rl_deterministic() { return at::globalContext().deterministicAlgorithms() | (at::globalContext().deterministicAlgorithmsWarnOnly() << 1); }
DO(set_deterministic, (bool v, bool warn_only), [&] { at::globalContext().setDeterministicAlgorithms(v, warn_only); return 1; }())
