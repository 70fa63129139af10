print("rgwfs: not built yet")
