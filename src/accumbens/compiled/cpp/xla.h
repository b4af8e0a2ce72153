// What the loop needs of XLA's foreign function interface (its C header alone, for quick compiling).
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "xla/ffi/api/c_api.h"

// n of T, aligned for vectors, all 0; data: null where memory is short.
template <class T> struct Aligned {
  T* data;
  explicit Aligned(int64_t n) {
    const size_t bytes = (sizeof(T) * size_t(n ? n : 1) + 63) / 64 * 64;
    data = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (data) std::memset(static_cast<void*>(data), 0, bytes);
  }
  ~Aligned() { std::free(data); }
  Aligned(const Aligned&) = delete;
};

// Pieces 0..n, claimed one by one by the caller and by whichever pool threads come in time: the
// caller waits for pieces that someone is working on, never for a thread to start.
struct Shared {
  void (*run)(const void*, int64_t);
  const void* context;
  int64_t n;
  std::atomic<int64_t> claimed{0}, finished{0};
  void work() {
    for (int64_t i; (i = claimed.fetch_add(1)) < n;) {
      run(context, i);
      finished.fetch_add(1, std::memory_order_release);
    }
  }
};

template <class F> void in_parallel(const XLA_FFI_CallFrame* frame, int64_t n, const F& f) {
  auto shared = std::make_shared<Shared>();
  shared->run = [](const void* context, int64_t i) { (*static_cast<const F*>(context))(i); };
  shared->context = &f;
  shared->n = n;
  int64_t threads = 1;
  XLA_FFI_ThreadPool_NumThreads_Args asked{};
  asked.struct_size = XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE;
  asked.ctx = frame->ctx;
  asked.num_threads = &threads;
  const auto destroy = [&](XLA_FFI_Error* error) {
    XLA_FFI_Error_Destroy_Args args{XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, nullptr, error};
    frame->api->XLA_FFI_Error_Destroy(&args);
  };
  if (auto* error = frame->api->XLA_FFI_ThreadPool_NumThreads(&asked)) destroy(error), threads = 1;
  for (int64_t i = 1; i < (threads < n ? threads : n); ++i) {
    auto* mine = new std::shared_ptr<Shared>(shared);
    XLA_FFI_ThreadPool_Schedule_Args args{};
    args.struct_size = XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE;
    args.ctx = frame->ctx;
    args.data = mine;
    args.task = [](void* data) {
      auto* mine = static_cast<std::shared_ptr<Shared>*>(data);
      (*mine)->work();
      delete mine;
    };
    if (auto* error = frame->api->XLA_FFI_ThreadPool_Schedule(&args)) destroy(error), delete mine;
  }
  shared->work();
  while (shared->finished.load(std::memory_order_acquire) < n) sched_yield();
}

static XLA_FFI_Error* fail(const XLA_FFI_CallFrame* frame, const char* message) {
  XLA_FFI_Error_Create_Args args{XLA_FFI_Error_Create_Args_STRUCT_SIZE, nullptr, message,
                                 XLA_FFI_Error_Code_INVALID_ARGUMENT};
  return frame->api->XLA_FFI_Error_Create(&args);
}

static bool only_asks_version(XLA_FFI_CallFrame* frame) {
  auto* extension = frame->extension_start;
  if (!extension || extension->type != XLA_FFI_Extension_Metadata) return false;
  auto* metadata = reinterpret_cast<XLA_FFI_Metadata_Extension*>(extension)->metadata;
  metadata->api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR,
                           XLA_FFI_API_MINOR};
  metadata->traits = 0;
  return true;
}
