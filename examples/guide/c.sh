# The sitting of docs/plugin-guide.md in C, for test.sh.
lethe plugin new flatten --lang c --role objective
cd flatten

cp "$guide/flatten.c" flatten.c
describe manifest.json
sed -i 's/ascent: 0.2/strength: 0.5/' recipe.yaml
sed -i 's/ascent=0/strength=0/' test.sh

make
lethe plugin check libflatten.so
lethe run recipe.yaml

./test.sh

cp "$guide/compare.yaml" .
lethe compare compare.yaml
