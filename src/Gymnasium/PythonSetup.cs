namespace RlLeap.Gymnasium;

/// <summary>The project's virtual environment with gymnasium and ale-py, ROMs included: `data get ale`.</summary>
public static class PythonSetup
{
    /// <summary>What is installed, in the versions that RlLeap was tested with.</summary>
    public static IReadOnlyList<string> Packages { get; } = ["numpy>=1.24", "gymnasium==1.3.0", "ale-py==0.12.1"];

    /// <summary>Where it goes: .venv in the project's folder, or in the current one outside a project.</summary>
    public static string Folder => PythonInstallation.ProjectFolders().FirstOrDefault() ?? Path.GetFullPath(".venv");

    /// <summary>Makes <paramref name="folder"/> (.venv) where it is missing, installs, and tries a game.</summary>
    /// <param name="folder">Where the virtual environment goes.</param>
    /// <param name="tell">Is told each thing that is done.</param>
    /// <returns>What was installed, in a line.</returns>
    /// <exception cref="EnvironmentException">What is missing: a Python, its venv module, or a way to the Python
    /// Package Index.</exception>
    public static string Install(string folder, Action<string> tell)
    {
        var python = PythonInstallation.Inside(folder);
        if (!File.Exists(python))
        {
            var basis = BasePython();
            tell($"making a virtual environment in {folder} with {basis}");
            // No module of the system's is seen in it, so that what a run used is what its record says.
            var (made, _, why) = PythonInstallation.Run(basis, ["-m", "venv", folder]);
            if (made != 0)
            {
                // Half an environment would be taken for a whole one next time
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
                throw new EnvironmentException($"{basis} cannot make a virtual environment: {Last(why)} On Debian and "
                    + "Ubuntu: sudo apt-get install -y python3-venv. Then run this again.");
            }
        }
        tell($"installing {string.Join(", ", Packages)} with pip");
        // -I: what PYTHONPATH or the user's own site has is not taken for installed.
        var (code, output, error) = PythonInstallation.Run(python, ["-I", "-m", "pip", "install",
            "--disable-pip-version-check", "--retries", "1", "--timeout", "20", .. Packages]);
        if (code != 0)
        {
            throw new EnvironmentException(
                $"pip could not install {string.Join(", ", Packages)}: {Last(error.Length > 0 ? error : output)}\n" +
                $"Where the Python Package Index cannot be reached, bring the wheels from a machine that reaches it "
                + $"(pip download {string.Join(' ', Packages)}), " +
                $"run {python} -m pip install --no-index --find-links WHEELS gymnasium ale-py, then this again. " +
                "Or set PYTHONPATH to a folder that has both. What needs them is ALE/ and gym: ids only; the built-in "
                + "games do without.");
        }
        const string Check =
            "import gymnasium, ale_py, numpy; env = ale_py.AtariVectorEnv('breakout', 1); env.reset(seed=0); " +
            "print(f'gymnasium {gymnasium.__version__}, ale-py {ale_py.__version__} with "
            + "{len(ale_py.roms.get_all_rom_ids())} ROMs, numpy {numpy.__version__}')";
        var (works, versions, broken) = PythonInstallation.Run(python, ["-I", "-c", Check]);
        if (works != 0) throw new EnvironmentException(
            $"What pip installed in {folder} does not open a game: {Last(broken)} Delete {folder} and run this again.");
        if (PythonInstallation.Examine(python, out var refusal) is null)
            throw new EnvironmentException($"{versions.Trim()} are in {folder}, but its Python cannot live in RlLeap's "
                + $"process: {refusal}. On Debian and Ubuntu: sudo apt-get install -y libpython3-dev. Or delete "
                + $"{folder} and choose another Python with RLLEAP_PYTHON.");
        return versions.Trim();
    }

    // The environment is made from a Python that can be embedded; numpy comes from pip.
    private static string BasePython()
    {
        try
        {
            return PythonInstallation.Find(PythonHost.Asked).Executable;
        }
        catch (EnvironmentException) when (File.Exists("/usr/bin/python3"))
        {
            return "/usr/bin/python3";
        }
    }

    private static string Last(string text) =>
        text.Trim().Split('\n')[^1].Trim() is { Length: > 0 } line ? line : "it gave no reason.";
}
