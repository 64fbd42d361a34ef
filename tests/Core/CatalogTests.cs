// Networks and methods of a user's own by name: options, clear errors, messages between machines, assemblies that do
// not fit.
using System.Text.Json;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using MyMethod;
using MyNetwork;
using RlLeap.MetaLearning;
using Xunit;

namespace RlLeap.Tests.Core;

public sealed class CatalogTests
{
    private static readonly System.Reflection.Assembly Here = typeof(CatalogTests).Assembly;

    private static Catalog<T, TMark> Of<T, TMark>(params Type[] supplied) where T : class where TMark : PluginAttribute
    {
        var catalog = new Catalog<T, TMark>("thing", supplied);
        catalog.Register(Here);
        return catalog;
    }

    [Fact]
    public void A_name_with_options_constructs_what_is_marked_with_it()
    {
        var networks = Of<Network, NetworkAttribute>(typeof(long[]));
        Assert.Equal(128, networks.Create("my/two-layers", (object)new long[] { 4 }).Features);
        Assert.Equal(64, networks.Create("my/two-layers?units=64", (object)new long[] { 4 }).Features);
        Assert.Equal(new PartWay(0.25), Of<MetaLearningMethod, MethodAttribute>().Create("my/part-way?fraction=0.25"));
        Assert.Equal(["my/all", "my/twice"], Of<Things, ThingAttribute>().Ids);
        Assert.Equal("text 3 1.5 True Late",
            Of<Things, ThingAttribute>().Create("my/all?name=text&count=3&learning-rate=1.5&on=true&when=late").Text);
    }

    [Theory]
    [InlineData("my/al", "No thing is named my/al. Did you mean my/all?")]
    [InlineData("my/all?cuont=3", "no option is named cuont. Did you mean count?")]
    [InlineData("my/all?count=x", "option count is 'x', but it takes a whole number.")]
    [InlineData("my/all?when=never", "option when is 'never', but it takes one of early, late.")]
    [InlineData("my/all?count", "'count' is not an option.")]
    [InlineData("my/all?count=-1", "my/all?count=-1: count must not be negative")]
    [InlineData("my/all?name=throw", "making it threw InvalidOperationException: thrown")]
    public void What_is_wrong_is_said(string text, string message) => Assert.Contains(message,
        Assert.Throws<RlLeapException>(() => Of<Things, ThingAttribute>().Create(text)).Message);

    [Fact]
    public void Marks_that_cannot_be_are_refused()
    {
        Assert.Contains("Two things are named my/same",
            Assert.Throws<RlLeapException>(() => Of<Things, SameAttribute>()).Message);
        Assert.Contains("is not a class derived from Things",
            Assert.Throws<RlLeapException>(() => Of<Things, OtherAttribute>()).Message);
        Assert.Contains("'plain' cannot be a thing's name",
            Assert.Throws<RlLeapException>(() => Of<Things, PlainAttribute>()).Message);
        Assert.Contains("needs a public constructor",
            Assert.Throws<RlLeapException>(() => Of<Things, NeedsAttribute>()).Message);
    }

    [Fact]
    public void A_method_of_a_users_own_crosses_to_another_machine()
    {
        Methods.Register(Here);
        var work = new TaskJob
        {
            TaskId = "a", Seed = 1, MetaStep = 0, Index = 0, Method = new PartWay(0.25), Learner = new LearnerOptions()
        };
        var sent = JsonSerializer.Serialize(work, Methods.Json);
        Assert.Contains("\"method\": \"my/part-way\"", sent);
        Assert.Equal(work, JsonSerializer.Deserialize<TaskJob>(sent, Methods.Json));
    }

    [Fact]
    public void A_network_for_other_inputs_is_refused()
    {
        Networks.Register(Here);
        Assert.Contains("takes inputs of [1], but was made for [4]",
            Assert.Throws<RlLeapException>(() => Networks.Create("my/stubborn", [4])).Message);
    }

    [Fact]
    public void An_assembly_built_against_another_version_is_refused()
    {
        using var folder = new TempFolder();
        var path = folder["Old.dll"];
        var bytes = File.ReadAllBytes(typeof(LeapOnAnyModule.Program).Assembly.Location);
        using (var reader = new PEReader(new MemoryStream(bytes)))
        {
            var metadata = reader.GetMetadataReader();
            var ours = metadata.AssemblyReferences.First(handle => metadata.GetString(
                metadata.GetAssemblyReference(handle).Name).StartsWith("RlLeap.", StringComparison.Ordinal));
            var row = metadata.GetTableMetadataOffset(TableIndex.AssemblyRef)
                + (MetadataTokens.GetRowNumber(ours) - 1) * metadata.GetTableRowSize(TableIndex.AssemblyRef);
            // A row begins with the version, two bytes a part
            bytes[reader.PEHeaders.MetadataStartOffset + row + 2] = 9;
        }
        File.WriteAllBytes(path, bytes);
        var version = typeof(Rng).Assembly.GetName().Version!.ToString().Replace(".", @"\.", StringComparison.Ordinal);
        Assert.Matches(@"Old\.dll: it was built against RlLeap\.\w+ 0\.9\.0\.0, and this is " + version
            + @"\. Build it again", Assert.Throws<RlLeapException>(() => PluginAssembly.Load(path)).Message);
    }

    [Fact]
    public void Files_that_are_no_assemblies_are_refused()
    {
        using var folder = new TempFolder();
        Assert.Contains("there is no such assembly",
            Assert.Throws<RlLeapException>(() => PluginAssembly.Load(folder["no.dll"])).Message);
        Assert.Contains("not a .NET assembly",
            Assert.Throws<RlLeapException>(() => PluginAssembly.Load(folder.Write("text.dll", "text"))).Message);
        Assert.Contains("nothing in it is marked",
            Assert.Throws<RlLeapException>(() => RlLeap.Cli.Plugins.Load(typeof(Rng).Assembly.Location)).Message);
    }

    private class ThingAttribute(string id) : PluginAttribute(id, "");
    private sealed class SameAttribute(string id) : PluginAttribute(id, "");
    private sealed class OtherAttribute(string id) : PluginAttribute(id, "");
    private sealed class PlainAttribute(string id) : PluginAttribute(id, "");
    private sealed class NeedsAttribute(string id) : PluginAttribute(id, "");

    public enum When { Early, Late }

    public abstract class Things { public string Text { get; protected init; } = ""; }

    [Thing("my/all")]
    public sealed class All : Things
    {
        public All(string name = "none", int count = 1, double learningRate = 0.1, bool on = false,
            When when = When.Early)
        {
            if (count < 0) throw new RlLeapException("count must not be negative");
            if (name == "throw") throw new InvalidOperationException("thrown");
            Text = FormattableString.Invariant($"{name} {count} {learningRate} {on} {when}");
        }
    }

    [Thing("my/twice")]
    [Same("my/same")]
    public sealed class First : Things;

    [Same("my/same")]
    public sealed class Second : Things;

    [Other("my/other")]
    public sealed class NoThing;

    [Plain("plain")]
    public sealed class PlainThing : Things;

    [Needs("my/needs")]
    public sealed class Needy : Things { public Needy(int count) => Text = $"{count}"; }

    [Network("my/stubborn")]
    public sealed class Stubborn(long[] inputShape) : Network
    {
        public override string Name => $"stubborn-{inputShape.Length}";
        public override long[] InputShape => [1];
        public override long Features => 1;
        public override IReadOnlyList<ParameterInfo> Parameters => [];
        public override TorchSharp.torch.Tensor Forward(Pass pass, TorchSharp.torch.Tensor input) => input;
        public override void Initialize(Func<int, TorchSharp.torch.Tensor> parameter,
            Func<int, TorchSharp.torch.Tensor> buffer, Rng rng)
        { }
    }
}
