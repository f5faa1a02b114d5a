// A CUDA driver without a GPU: libcuda.so.1 for tests. Device memory is host memory, kernels are
// kernels.cu compiled as C++, and a stream does nothing until somebody waits for it: who touches a
// buffer too early gets wrong data, as on the slowest GPU. Misuse is taken down and asked for with
// fake_misuse().
#include "cuda_shim.h"
#include KERNELS

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

thread_local Index blockIdx, blockDim, threadIdx;

namespace {

enum Result {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201,
    INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500, CAPTURE_UNSUPPORTED = 900,
    SYSTEM_DRIVER_MISMATCH = 803
};

const std::size_t CANARY = 64;
const unsigned char CANARY_BYTE = 0xA5, POISON = 0xCD;

using Work = std::function<void()>;
struct Stream {
    std::vector<Work> waiting, captured;
    bool capturing = false;
};
struct Graph {
    std::vector<Work> work;
};

std::recursive_mutex mutex;
std::map<std::uintptr_t, std::size_t> device_memory, host_memory;
std::set<void*> streams, graphs, executables, modules;
std::vector<std::string> misuse;
long long memory_limit = 1LL << 33, memory_used = 0;
int init_result = 0, device_count = 1, contexts_retained = 0, capture_refused = 0;
bool check_memory = true;
long long launches = 0, graph_launches = 0;
int context_object;
thread_local std::vector<void*> current;

void complain(const std::string& what) {
    if (misuse.size() < 100) misuse.push_back(what);
}

bool inside(const std::map<std::uintptr_t, std::size_t>& ranges, std::uintptr_t at, std::size_t n) {
    auto next = ranges.upper_bound(at);
    if (next == ranges.begin()) return false;
    --next;
    return at + n <= next->first + next->second;
}

void check_device(const void* at, std::size_t n, const char* who) {
    if (check_memory && !inside(device_memory, (std::uintptr_t)at, n))
        complain(std::string(who) + ": not in allocated device memory");
}

void check_host(const void* at, std::size_t n, const char* who) {
    if (!inside(host_memory, (std::uintptr_t)at, n))
        complain(std::string(who) + ": not in page-locked host memory");
}

Result enqueue(void* handle, Work work) {
    if (!streams.count(handle)) {
        complain("work on a stream that is not there (or the default stream)");
        return INVALID_HANDLE;
    }
    auto* stream = (Stream*)handle;
    if (stream->capturing && capture_refused == 2) return CAPTURE_UNSUPPORTED;
    (stream->capturing ? stream->captured : stream->waiting).push_back(std::move(work));
    return SUCCESS;
}

void drain(Stream* stream) {
    std::vector<Work> work;
    work.swap(stream->waiting);
    for (auto& item : work) item();
}

template <typename A>
A argument(void* slot, const char* kernel) {
    A value = *(A*)slot;
    if constexpr (std::is_pointer_v<A>) check_device((const void*)value, 1, kernel);
    return value;
}

struct Kernel {
    const char* name;
    std::size_t arguments;
    std::vector<std::size_t> sizes;
    std::function<Work(void**, Index, Index)> bind;
};

template <typename... A, std::size_t... I>
Work bind_call(void (*f)(A...), const char* name, void** slots, Index grid, Index block,
               std::index_sequence<I...>) {
    std::tuple<A...> values{*(A*)slots[I]...};
    return [=]() mutable {
        (void)std::initializer_list<int>{(argument<A>(&std::get<I>(values), name), 0)...};
        blockDim = block;
        for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x)
                for (threadIdx.y = 0; threadIdx.y < block.y; ++threadIdx.y)
                    for (threadIdx.x = 0; threadIdx.x < block.x; ++threadIdx.x)
                        f(std::get<I>(values)...);
    };
}

template <typename... A>
Kernel kernel(const char* name, void (*f)(A...)) {
    return {name, sizeof...(A), {sizeof(A)...}, [=](void** slots, Index grid, Index block) {
                return bind_call(f, name, slots, grid, block, std::index_sequence_for<A...>{});
            }};
}

#define KERNEL(f) kernel(#f, f)
Kernel kernels[] = {KERNEL(resize_frame),    KERNEL(find_winners), KERNEL(upsample_labels),
                    KERNEL(softmax_maximum), KERNEL(sigmoid),      KERNEL(upsample_map)};

#define LOCKED std::lock_guard<std::recursive_mutex> lock(mutex)
#define IN_CONTEXT                                        \
    LOCKED;                                               \
    if (current.empty()) {                                \
        complain(std::string(__func__) + ": no context"); \
        return INVALID_CONTEXT;                           \
    }

}  // namespace

extern "C" {

// What tests set and ask.
void fake_set(const char* name, long long value) {
    LOCKED;
    std::string what = name;
    if (what == "init_result") init_result = value;
    else if (what == "device_count") device_count = value;
    else if (what == "memory_limit") memory_limit = value;
    else if (what == "check_memory") check_memory = value;
    else if (what == "capture_refused") capture_refused = value;
    else abort();
}

long long fake_count(const char* name) {
    LOCKED;
    std::string what = name;
    if (what == "device_memory") return device_memory.size();
    if (what == "memory_used") return memory_used;
    if (what == "host_memory") return host_memory.size();
    if (what == "streams") return streams.size();
    if (what == "graphs") return graphs.size() + executables.size();
    if (what == "modules") return modules.size();
    if (what == "contexts") return contexts_retained;
    if (what == "current") return current.size();
    if (what == "launches") return launches;
    if (what == "graph_launches") return graph_launches;
    abort();
}

int fake_misuse(char* text, int size) {
    LOCKED;
    std::string all;
    for (auto& line : misuse) all += line + "\n";
    std::strncpy(text, all.c_str(), size - 1);
    text[size - 1] = 0;
    int count = misuse.size();
    misuse.clear();
    return count;
}

// One kernel at once, on any memory.
int fake_run(const char* name, int grid_x, int grid_y, int block_x, int block_y, void** slots) {
    for (auto& candidate : kernels)
        if (!std::strcmp(candidate.name, name)) {
            auto work = candidate.bind(slots, {(unsigned)grid_x, (unsigned)grid_y, 1},
                                       {(unsigned)block_x, (unsigned)block_y, 1});
            work();
            LOCKED;
            misuse.clear();  // the memory is the caller's
            return 0;
        }
    return NOT_FOUND;
}

int cuInit(unsigned) { return init_result; }
int cuDriverGetVersion(int* version) { *version = 13000; return SUCCESS; }
int cuGetErrorName(int error, const char** name) {
    switch (error) {
        case SUCCESS: *name = "CUDA_SUCCESS"; break;
        case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; break;
        case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
        case NO_DEVICE: *name = "CUDA_ERROR_NO_DEVICE"; break;
        case INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; break;
        case INVALID_HANDLE: *name = "CUDA_ERROR_INVALID_HANDLE"; break;
        case INVALID_PTX: *name = "CUDA_ERROR_INVALID_PTX"; break;
        case NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; break;
        case CAPTURE_UNSUPPORTED: *name = "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"; break;
        case SYSTEM_DRIVER_MISMATCH: *name = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"; break;
        default: *name = "CUDA_ERROR_UNKNOWN";
    }
    return SUCCESS;
}
int cuGetErrorString(int error, const char** text) { return cuGetErrorName(error, text); }
int cuDeviceGetCount(int* count) { *count = device_count; return SUCCESS; }
int cuDeviceGet(int* device, int index) { *device = index; return index < device_count ? SUCCESS : 101; }
int cuDeviceGetName(char* name, int size, int) {
    std::strncpy(name, "Fake GPU", size);
    return SUCCESS;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
    *value = attribute == 75 ? 8 : attribute == 76 ? 7 : 1;  // compute capability 8.7
    return SUCCESS;
}
int cuDeviceComputeCapability(int* major, int* minor, int) { *major = 8; *minor = 7; return SUCCESS; }
int cuDevicePrimaryCtxRetain(void** context, int) {
    LOCKED;
    ++contexts_retained;
    *context = &context_object;
    return SUCCESS;
}
int cuDevicePrimaryCtxRelease_v2(int) {
    LOCKED;
    if (--contexts_retained < 0) complain("primary context released once too often");
    return SUCCESS;
}
int cuCtxPushCurrent_v2(void* context) {
    LOCKED;
    if (contexts_retained == 0) complain("push of a context that nobody retains");
    current.push_back(context);
    return SUCCESS;
}
int cuCtxPopCurrent_v2(void** context) {
    if (current.empty()) return INVALID_CONTEXT;
    *context = current.back();
    current.pop_back();
    return SUCCESS;
}
int cuCtxGetCurrent(void** context) {
    *context = current.empty() ? nullptr : current.back();
    return SUCCESS;
}
int cuCtxSynchronize() {
    IN_CONTEXT;
    for (void* stream : streams) drain((Stream*)stream);
    return SUCCESS;
}

int cuMemAlloc_v2(std::uintptr_t* at, std::size_t size) {
    IN_CONTEXT;
    if (size == 0) return INVALID_VALUE;
    if (memory_used + (long long)size > memory_limit) return OUT_OF_MEMORY;
    auto* memory = (unsigned char*)std::aligned_alloc(256, (size + CANARY + 255) / 256 * 256);
    std::memset(memory, POISON, size);
    std::memset(memory + size, CANARY_BYTE, CANARY);
    device_memory[(std::uintptr_t)memory] = size;
    memory_used += size;
    *at = (std::uintptr_t)memory;
    return SUCCESS;
}
int cuMemFree_v2(std::uintptr_t at) {
    IN_CONTEXT;
    auto found = device_memory.find(at);
    if (found == device_memory.end()) {
        complain("free of memory that is not allocated");
        return INVALID_VALUE;
    }
    for (void* stream : streams) drain((Stream*)stream);  // as cuMemFree does
    auto* canary = (unsigned char*)at + found->second;
    for (std::size_t i = 0; i < CANARY; ++i)
        if (canary[i] != CANARY_BYTE) {
            complain("something was written beyond the end of an allocation");
            break;
        }
    memory_used -= found->second;
    device_memory.erase(found);
    std::free((void*)at);
    return SUCCESS;
}
int cuMemHostRegister_v2(void* at, std::size_t size, unsigned) {
    IN_CONTEXT;
    if (host_memory.count((std::uintptr_t)at)) complain("host memory registered twice");
    host_memory[(std::uintptr_t)at] = size;
    return SUCCESS;
}
int cuMemHostUnregister(void* at) {
    IN_CONTEXT;
    if (!host_memory.erase((std::uintptr_t)at)) {
        complain("host memory was not registered");
        return INVALID_VALUE;
    }
    return SUCCESS;
}
int cuMemcpyHtoDAsync_v2(std::uintptr_t to, const void* from, std::size_t size, void* stream) {
    IN_CONTEXT;
    return enqueue(stream, [=] {
        check_device((void*)to, size, "upload");
        check_host(from, size, "upload");
        std::memcpy((void*)to, from, size);
    });
}
int cuMemcpyDtoHAsync_v2(void* to, std::uintptr_t from, std::size_t size, void* stream) {
    IN_CONTEXT;
    return enqueue(stream, [=] {
        check_device((void*)from, size, "download");
        check_host(to, size, "download");
        std::memcpy(to, (void*)from, size);
    });
}

int cuMemsetD8Async(std::uintptr_t at, unsigned char value, std::size_t size, void* stream) {
    IN_CONTEXT;
    return enqueue(stream, [=] {
        check_device((void*)at, size, "memset");
        std::memset((void*)at, value, size);
    });
}

int cuStreamCreate(void** stream, unsigned) {
    IN_CONTEXT;
    *stream = new Stream;
    streams.insert(*stream);
    return SUCCESS;
}
int cuStreamDestroy_v2(void* stream) {
    IN_CONTEXT;
    if (!streams.erase(stream)) return complain("stream destroyed twice"), INVALID_HANDLE;
    if (!((Stream*)stream)->waiting.empty()) complain("stream destroyed with work in it");
    delete (Stream*)stream;
    return SUCCESS;
}
int cuStreamSynchronize(void* stream) {
    IN_CONTEXT;
    if (!streams.count(stream)) return INVALID_HANDLE;
    if (((Stream*)stream)->capturing) {
        complain("waited for a stream that is being captured");
        return CAPTURE_UNSUPPORTED;
    }
    drain((Stream*)stream);
    return SUCCESS;
}
int cuLaunchHostFunc(void* stream, void (*function)(void*), void* data) {
    IN_CONTEXT;
    return enqueue(stream, [=] { function(data); });
}

int cuModuleLoadData(void** module, const void* image) {
    IN_CONTEXT;
    if (!std::strstr((const char*)image, ".target sm_75")) return INVALID_PTX;
    *module = new int(0);
    modules.insert(*module);
    return SUCCESS;
}
int cuModuleLoadDataEx(void** module, const void* image, unsigned, void*, void*) {
    return cuModuleLoadData(module, image);
}
int cuModuleUnload(void* module) {
    IN_CONTEXT;
    if (!modules.erase(module)) complain("module unloaded twice");
    delete (int*)module;
    return SUCCESS;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    IN_CONTEXT;
    for (auto& candidate : kernels)
        if (!std::strcmp(candidate.name, name)) return *function = &candidate, SUCCESS;
    return NOT_FOUND;
}
int cuFuncSetBlockShape(void*, int, int, int) { return SUCCESS; }  // pycuda; launches say it again
int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned, void* stream,
                   void** slots, void** extra) {
    IN_CONTEXT;
    if (block_x * block_y * block_z > 1024 || !grid_x || !grid_y || grid_z != 1)
        return INVALID_VALUE;
    auto* kernel = (Kernel*)function;
    std::vector<void*> unpacked;
    if (!slots) {  // one buffer, as pycuda passes it: {POINTER, buffer, SIZE, &size, END}
        auto* buffer = (char*)extra[1];
        std::size_t size = *(std::size_t*)extra[3], offset = 0;
        for (std::size_t each : kernel->sizes) {
            offset = (offset + each - 1) / each * each;
            unpacked.push_back(buffer + offset);
            offset += each;
        }
        if (offset != size) return complain("kernel got another number of bytes"), INVALID_VALUE;
        slots = unpacked.data();
    }
    ++launches;
    return enqueue(stream, kernel->bind(slots, {grid_x, grid_y, 1}, {block_x, block_y, 1}));
}

int cuStreamBeginCapture_v2(void* stream, int mode) {
    IN_CONTEXT;
    if (mode != 1) complain("capture in another mode than thread-local");
    if (capture_refused == 1) return CAPTURE_UNSUPPORTED;  // 2: the first work in it
    ((Stream*)stream)->capturing = true;
    return SUCCESS;
}
int cuStreamEndCapture(void* handle, void** graph) {
    IN_CONTEXT;
    auto* stream = (Stream*)handle;
    if (!stream->capturing) return complain("end of a capture that did not begin"), INVALID_VALUE;
    stream->capturing = false;
    auto* captured = new Graph;
    captured->work.swap(stream->captured);
    graphs.insert(captured);
    *graph = captured;
    return SUCCESS;
}
int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    IN_CONTEXT;
    if (!graphs.count(graph)) return INVALID_HANDLE;
    *executable = new Graph(*(Graph*)graph);
    executables.insert(*executable);
    return SUCCESS;
}
int cuGraphDestroy(void* graph) {
    IN_CONTEXT;
    if (!graphs.erase(graph)) return complain("graph destroyed twice"), INVALID_HANDLE;
    delete (Graph*)graph;
    return SUCCESS;
}
int cuGraphExecDestroy(void* executable) {
    IN_CONTEXT;
    if (!executables.erase(executable)) return complain("graph destroyed twice"), INVALID_HANDLE;
    delete (Graph*)executable;
    return SUCCESS;
}
int cuGraphLaunch(void* executable, void* stream) {
    IN_CONTEXT;
    if (!executables.count(executable)) return complain("launch of a graph that is gone"), INVALID_HANDLE;
    ++graph_launches;
    auto* graph = (Graph*)executable;
    return enqueue(stream, [=] {
        if (!executables.count(graph)) return complain("a graph went while it was waited for");
        for (auto& item : graph->work) item();
    });
}

int cuGetProcAddress_v2(const char* name, void** function, int, unsigned long long, int* status) {
    Dl_info own;
    dladdr((void*)&cuInit, &own);
    void* library = dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    void* found = nullptr;
    for (const char* suffix : {"_v3", "_v2", "WithFlags", ""})
        if (!found) found = dlsym(library, (std::string(name) + suffix).c_str());
    *function = found;
    if (status) *status = found ? 0 : 1;
    return found ? SUCCESS : NOT_FOUND;
}
}
