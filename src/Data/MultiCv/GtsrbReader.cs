using System.Globalization;
using System.Text;

namespace RlLeap.Data;

/// <summary>
/// Reads the German traffic signs (GTSRB). Training images are PPM files in class folders, each with a csv table. Test
/// images either lie in class folders too, or one ground-truth table gives their classes.
/// </summary>
internal static class GtsrbReader
{
    private const int Classes = 43, Side = MultiCvReaders.Side, MaxFile = 1 << 24;

    private sealed record Picture(string Where, string Name, int Folder, byte[] Pixels);

    private sealed record Row(string Where, int Class);

    public static ImageSet Read(IReadOnlyList<string> paths, string name)
    {
        if (paths.Count == 0) throw new DataException(name, "no folder or archive was named");
        var (train, test) = (new List<Picture>(), new List<Picture>());
        var trainRows = new Dictionary<string, Row>();
        var testRows = new Dictionary<string, Row>();
        foreach (var path in paths)
            foreach (var file in SourceFiles.Read(path, IsImageOrTable, MaxFile))
            {
                var parts = file.Parts;
                var isClassFolder = parts.Length > 1 && parts[^2].Length == 5;
                var folder = isClassFolder
                    && int.TryParse(parts[^2], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                        ? number
                        : -1;
                if (folder >= Classes)
                    throw new DataException(file.Where,
                        $"lies in class folder {parts[^2]}, outside 00000..{Classes - 1:D5}");
                if (parts[^1].EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
                {
                    if (parts[^1] == "GT-final_test.csv") ReadRows(file, "", testRows);
                    else if (folder >= 0 && parts[^1] == $"GT-{folder:D5}.csv")
                        ReadRows(file, parts[^2] + "/", trainRows);
                    // GT-final_test.test.csv holds no classes, so it is ignored like any other table.
                    continue;
                }
                var isTest = parts.Contains("Final_Test");
                if (!isTest && !parts.Contains("Final_Training"))
                    throw new DataException(file.Where,
                        "lies neither under Final_Training nor under Final_Test; not the GTSRB data set");
                if (!isTest && folder < 0)
                    throw new DataException(file.Where, "is a training image outside a class folder 00000..00042");
                var image = Netpbm.Decode(file.Bytes, file.Where);
                var pixels = MultiCvReaders.Planar(Resize.Bilinear(image, Side, Side), 3);
                (isTest ? test : train).Add(new Picture(file.Where, parts[^1], folder, pixels));
            }
        var where = string.Join(", ", paths);
        if (train.Count == 0)
            throw new DataException(where, "has no training part (Final_Training/Images/00000/*.ppm ...)");
        if (test.Count == 0) throw new DataException(where, "has no test part (Final_Test/Images/*.ppm)");

        var builder = new ImageSetBuilder(name, 3, Side, Side, Classes);
        foreach (var picture in train)
        {
            var key = $"{picture.Folder:D5}/{picture.Name}";
            if (trainRows.Count > 0) Check(picture, Take(trainRows, key, picture));
            builder.Add(test: false, key, picture.Pixels, picture.Folder, picture.Folder * 100_000 + Track(picture));
        }
        // Each test image is a group of its own.
        var group = Classes * 100_000;
        foreach (var picture in test)
        {
            var label = picture.Folder;
            if (label < 0) label = Take(testRows, picture.Name, picture).Class;
            else if (testRows.Count > 0) Check(picture, Take(testRows, picture.Name, picture));
            builder.Add(test: true, $"{picture.Folder:D5}/{picture.Name}", picture.Pixels, label, group++);
        }
        foreach (var (key, row) in trainRows.Concat(testRows))
            throw new DataException(row.Where, $"lists {key}, which is not there");
        return builder.Build();
    }

    private static bool IsImageOrTable(string path) =>
        path.EndsWith(".ppm", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase);

    // Removes the image's row from the table. A row that is left at the end names an image that is missing.
    private static Row Take(Dictionary<string, Row> rows, string key, Picture picture) =>
        rows.Remove(key, out var row)
            ? row
            : throw new DataException(picture.Where,
                "has no row in the ground-truth table (GT-final_test.csv, or GT-CCCCC.csv in its class folder)");

    private static void Check(Picture picture, Row row)
    {
        if (row.Class != picture.Folder)
            throw new DataException(picture.Where,
                $"lies in class folder {picture.Folder:D5} but {row.Where} says class {row.Class}");
    }

    // The track number of "TTTTT_FFFFF.ppm" (track and frame).
    private static int Track(Picture picture)
    {
        var end = picture.Name.IndexOf('_');
        return end == 5
            && int.TryParse(picture.Name.AsSpan(0, 5), NumberStyles.None, CultureInfo.InvariantCulture, out var track)
                ? track
                : throw new DataException(picture.Where,
                    "is not named TRACK_FRAME.ppm (five digits each); not the GTSRB data set");
    }

    private static void ReadRows(SourceFile file, string prefix, Dictionary<string, Row> rows)
    {
        var lines = Encoding.UTF8.GetString(file.Bytes).Split('\n');
        var header = lines[0].Trim().Split(';');
        var (nameAt, classAt) = (Array.IndexOf(header, "Filename"), Array.IndexOf(header, "ClassId"));
        if (nameAt < 0 || classAt < 0)
            throw new DataException(file.Where, "does not start with the columns Filename;...;ClassId");
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i].Trim() is not { Length: > 0 } line) continue;
            var cells = line.Split(';');
            if (cells.Length != header.Length
                || !int.TryParse(cells[classAt], NumberStyles.None, CultureInfo.InvariantCulture, out var label)
                || label >= Classes)
                throw new DataException(file.Where, $"line {i + 1} is not a row with a class of 0..{Classes - 1}");
            if (!rows.TryAdd(prefix + cells[nameAt], new Row(file.Where, label)))
                throw new DataException(file.Where, $"line {i + 1} lists {cells[nameAt]} twice");
        }
    }
}
