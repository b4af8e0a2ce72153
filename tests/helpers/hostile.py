"""Names that no page, table or figure must take for anything but text."""

ANIMALS = (
    "<script>window.hacked = 1</script>",
    "=HYPERLINK(\"x\") & 100 % 'of' </table>",
    "\u202eעכבר " + "long " * 30 + "end",
)
SIGNAL = 'dopamine <img src=x onerror="window.hacked = 2"> 100 %'
