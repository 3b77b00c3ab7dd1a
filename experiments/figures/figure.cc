#include "experiments/figures/figure.h"

#include <cmath>
#include <memory>

#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/image/png.h"
#include "experiments/figures/pen.h"

namespace hadal::figures {
namespace {

constexpr double kMaxPixels = 1e8;
constexpr double kMaxSide = 32767;  // of a Cairo surface

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

void draw_on(cairo_surface_t* surface, const Figure& figure, double scale) {
  const std::unique_ptr<cairo_t, void (*)(cairo_t*)> context(cairo_create(surface), cairo_destroy);
  cairo_set_source_rgb(context.get(), kPaper.red, kPaper.green, kPaper.blue);
  cairo_paint(context.get());
  cairo_scale(context.get(), scale, scale);
  Pen pen(context.get());
  figure.draw(pen);
  HADAL_CHECK(cairo_status(context.get()) == CAIRO_STATUS_SUCCESS);
}

cairo_status_t append(void* text, const unsigned char* bytes, unsigned int count) {
  static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

std::string to_svg(const Figure& figure) {
  std::string text;
  const Surface surface(
      cairo_svg_surface_create_for_stream(append, &text, figure.width, figure.height),
      cairo_surface_destroy);
  draw_on(surface.get(), figure, 1);
  cairo_surface_finish(surface.get());
  HADAL_CHECK(cairo_surface_status(surface.get()) == CAIRO_STATUS_SUCCESS);
  return text;
}

image::Image to_image(const Figure& figure, double scale) {
  const double width = std::ceil(figure.width * scale), height = std::ceil(figure.height * scale);
  if (!(width >= 1 && height >= 1 && width <= kMaxSide && height <= kMaxSide &&
        width * height <= kMaxPixels))
    throw ConfigError(
        fmt::format("figure of {} x {} pixels, wanted 1 to {} a side and at most {:.0f} in all",
                    height, width, kMaxSide, kMaxPixels));
  image::Image image{
      .height = static_cast<int>(height), .width = static_cast<int>(width), .channels = 3};
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, image.width, image.height),
                        cairo_surface_destroy);
  draw_on(surface.get(), figure, scale);
  cairo_surface_flush(surface.get());
  const unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  image.pixels.reserve(static_cast<std::size_t>(image.height) *
                       static_cast<std::size_t>(image.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    const auto* row =
        reinterpret_cast<const std::uint32_t*>(data + static_cast<std::ptrdiff_t>(y) * stride);
    for (int x = 0; x < image.width; ++x)
      for (const int shift : {16, 8, 0})
        image.pixels.push_back(static_cast<std::uint8_t>(row[x] >> shift));
  }
  return image;
}

void write_figure(const std::filesystem::path& folder, const std::string& name,
                  const Figure& figure) {
  write_file_atomically(folder / (name + ".svg"), to_svg(figure));
  image::write_png(folder / (name + ".png"), to_image(figure));
}

}  // namespace hadal::figures
