import RGWMount

print(HelpText.manualOptions, terminator: "")
