// A plug-in of another build.
extern "C" const char* hadal_cuda_interface() { return "0.0.0-another"; }
