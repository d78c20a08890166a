"""One colour scale for a weight, light and dark, in lightness alone: it reads the same for colour-blind eyes."""

from typing import Literal, get_args

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)

Colour = tuple[int, int, int]

# From weight 0 to weight 1, at equal distances: from the paper away, through blues.
_STOPS: dict[Theme, tuple[Colour, ...]] = {
    "light": ((255, 255, 255), (203, 223, 241), (125, 178, 219), (42, 113, 181), (10, 48, 100)),
    "dark": ((24, 27, 32), (28, 62, 97), (40, 108, 165), (111, 179, 230), (230, 243, 255)),
}


def paper(weight: float, theme: Theme = "light") -> Colour:
    """Colour a weight: linear in sRGB between the stops of the scale.

    Args:
        weight: 0 to 1.
        theme: light is for print as well.

    Returns:
        Red, green and blue, 0 to 255.
    """
    stops = _STOPS[theme]
    place = min(max(weight, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(place), len(stops) - 2)
    red, green, blue = (round(a + (b - a) * (place - i)) for a, b in zip(stops[i], stops[i + 1], strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Compute the relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = (part / 255 for part in colour)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Compute the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink(background: Colour) -> Colour:
    """Choose black or white to write on a colour, whichever stands out more."""
    return max((0, 0, 0), (255, 255, 255), key=lambda colour: contrast(colour, background))


def css(colour: Colour) -> str:
    """Write a colour as `#rrggbb`."""
    return f"#{bytes(colour).hex()}"
