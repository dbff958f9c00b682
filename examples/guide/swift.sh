# The sitting of docs/plugin-guide.md in Swift, for test.sh.
lethe plugin new flatten --lang swift --role objective
cd flatten

cp "$guide/Flatten.swift" Sources/Flatten/Flatten.swift
describe Sources/FlattenManifest/manifest.json
sed -i 's/ascent: 0.2/strength: 0.5/' recipe.yaml
sed -i 's/ascent=0/strength=0/' test.sh

swift build -c release
lethe plugin check .build/release/libFlatten.so
lethe run recipe.yaml
