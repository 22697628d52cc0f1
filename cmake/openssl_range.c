/* Linked before and behind OpenSSL: where its code and constants begin and end in the image (src/memory/process_memory.cpp). */
#define NAME(what) NAME2(weir_openssl_, what, WHERE)
#define NAME2(a, what, b) NAME3(a, what, b)
#define NAME3(a, what, b) a##what##_##b

__attribute__((weak, used)) const char NAME(constants)[64] = "weir";
__attribute__((weak, used)) void NAME(code)(void) {}
